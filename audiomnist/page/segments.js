// Where in a longer recording something is said, and the likeliest reading of it: what inference/sequences.py does, with
// its settings, and a Fourier transform of a power of two.

/** Takes in samples and knows what stands out from the background of the last seconds. */
class Listener {
  constructor(recognizer) {
    this.recognizer = recognizer;
    this.settings = recognizer.settings.sequences;
    const rate = this.rate = recognizer.rate, {hop_s, frame_s, lowest_hz, highest_hz, n_bands} = this.settings;
    this.hop = Math.round(hop_s * rate);
    this.size = Math.round(frame_s * rate);
    this.fourier = new Fourier(2 ** Math.ceil(Math.log2(this.size)));
    this.window = Float64Array.from({length: this.size}, (_, k) =>
      0.5 - 0.5 * Math.cos(2 * Math.PI * k / (this.size - 1)));
    const ratio = Math.min(highest_hz, rate / 2) / lowest_hz;
    const edges = Array.from({length: n_bands + 1}, (_, k) =>
      Math.round(lowest_hz * ratio ** (k / n_bands) * this.fourier.size / rate));
    this.bins = [...new Set(edges)];
    this.restart();
  }

  restart() {
    this.samples = new Float32Array(0);
    this.first = 0; // number of the first frame that is kept
    this.bands = []; // power of each kept frame's bands, dB
    this.done = 0; // frames before this one have been read
  }

  /** Takes in samples; of more than is asked for by the background, the oldest are forgotten. */
  push(samples) {
    const most = Math.round(2 * this.settings.floor_window_s / this.settings.hop_s); // frames
    this.samples = joined([this.samples, samples]);
    this.#frames(Math.floor((this.samples.length - this.size / 2) / this.hop) + 1);
    const surplus = this.bands.length - most;
    if (surplus > most / 2) {
      this.bands.splice(0, surplus);
      this.samples = this.samples.slice(surplus * this.hop);
      this.first += surplus;
    }
  }

  #frames(until) {
    const frame = new Float64Array(this.fourier.size), power = new Float64Array(this.fourier.size / 2 + 1);
    while (this.bands.length < until) {
      const start = this.bands.length * this.hop - (this.size >> 1);
      for (let k = 0; k < this.size; k++) frame[k] = (this.samples[start + k] || 0) * this.window[k];
      this.fourier.power(frame, power);
      this.bands.push(this.bins.slice(1).map((high, band) => {
        const own = power.subarray(this.bins[band], high);
        return 10 * Math.log10(own.reduce((sum, value) => sum + value, 0) / own.length + 1e-12);
      }));
    }
  }

  /** Returns the stretches that stand out from the background, as [start, end) in frames of all that was heard. */
  stretches() {
    const {above_floor_db, clear_db, smallest_gap_s, shortest_s, hop_s} = this.settings;
    const above = smooth(this.#aboveFloor()), runs = [];
    for (let start = 0, end; start < above.length; start = end + 1) {
      for (end = start; above[end] > above_floor_db; end++);
      if (end === start) continue;
      if (runs.length && start - runs.at(-1)[1] < smallest_gap_s / hop_s) runs.at(-1)[1] = end;
      else runs.push([start, end]);
    }
    return runs
      .filter(([start, end]) => end - start >= shortest_s / hop_s && Math.max(...above.slice(start, end)) > clear_db)
      .flatMap(run => this.#parts(above, run))
      .map(run => run.map(frame => frame + this.first));
  }

  /** Cuts a run at its valleys, where noise may have filled the pause between two words. */
  #parts(above, [start, end]) {
    const {shortest_s, hop_s, valley_db} = this.settings, shortest = Math.round(shortest_s / hop_s);
    let valley, deepest = 0;
    for (let frame = start + shortest; frame < end - shortest; frame++) {
      const shoulder = Math.min(Math.max(...above.slice(start, frame)), Math.max(...above.slice(frame, end)));
      if (shoulder - above[frame] > deepest) [valley, deepest] = [frame, shoulder - above[frame]];
    }
    if (deepest < valley_db) return [[start, end]];
    return [...this.#parts(above, [start, valley]), ...this.#parts(above, [valley, end])];
  }

  /** Returns by how many decibels each frame stands out, in the half of the bands that do so most. */
  #aboveFloor() {
    const {bands, settings} = this, nBands = this.bins.length - 1;
    const half = Math.round(settings.floor_window_s / settings.hop_s / 2);
    const floors = [];
    for (let centre = 0; centre < bands.length + half; centre += half) {
      const around = bands.slice(Math.max(0, centre - half), centre + half);
      const loudest = Math.max(...around.map(values => 10 * Math.log10(values.reduce((sum, v) => sum + 10 ** (v / 10), 0))));
      const least = loudest - settings.range_db - 10 * Math.log10(nBands);
      floors.push(bands[0].map((_, band) =>
        Math.max(least, quantile(around.map(values => values[band]), settings.floor_share))));
    }
    return bands.map((values, frame) => {
      const low = Math.floor(frame / half), share = frame / half - low;
      const above = values.map((value, band) => {
        const floor = floors[low][band] * (1 - share) + (floors[low + 1] ?? floors[low])[band] * share;
        return Math.min(Math.max(value - floor, 0), 25);
      });
      return average(above.sort((a, b) => a - b).slice(nBands >> 1));
    });
  }

  /**
   * Returns the digits of what has not been read yet, and what is none; what may go on is left for later unless this is
   * the end.
   */
  read({isEnd}) {
    const {largest_closure_s, hop_s} = this.settings;
    if (!this.bands.length) return [];
    const closure = largest_closure_s / hop_s, words = [];
    const now = isEnd ? Infinity : this.first + this.bands.length;
    let group = [];
    for (const stretch of [...this.stretches().filter(([start]) => start >= this.done), [Infinity, Infinity]]) {
      if (group.length && Math.min(stretch[0], now) - group.at(-1)[1] > closure + (isEnd ? 0 : 5)) {
        const read = this.#readGroup(group);
        words.push(...(read.length ? read : [this.word(group[0][0], group.at(-1)[1])]));
        this.done = group.at(-1)[1];
        group = [];
      }
      group.push(stretch);
    }
    return words;
  }

  /** Reads stretches close to each other: of all ways to make words of them the likeliest. */
  #readGroup(stretches) {
    const {hop_s, word_s, most_stretches, skip_cost} = this.settings;
    const best = [{cost: 0, words: []}];
    for (let end = 1; end <= stretches.length; end++) {
      const [from, to] = stretches[end - 1];
      const before = best[end - 1];
      best[end] = {...before, cost: before.cost + 0.5 + skip_cost * (to - from) * hop_s / 0.2}; // left out
      for (let start = Math.max(0, end - most_stretches); start < end; start++) {
        const seconds = (to - stretches[start][0]) * hop_s;
        if (seconds < word_s[0] || (seconds > word_s[1] && start < end - 1)) continue;
        const word = this.word(stretches[start][0], to);
        const cost = best[start].cost - Math.log(Math.max(word.probability, 1e-9)) + 0.1;
        if (!word.isNone && cost < best[end].cost) best[end] = {cost, words: [...best[start].words, word]};
      }
    }
    return best.at(-1).words;
  }

  /** Answers to what lies between two frames, with a margin. */
  word(start, end) {
    const margin = Math.round(this.settings.margin_s * this.rate);
    const from = Math.max(0, (start - this.first) * this.hop - margin);
    const samples = this.samples.slice(from, (end - this.first) * this.hop + margin);
    return {...this.recognizer.answer(samples), start: start * this.hop - margin, end: end * this.hop + margin};
  }
}

/** Returns what is said in a whole recording at the model's rate. */
function findDigits(recognizer, samples) {
  const listener = new Listener(recognizer), second = recognizer.rate, words = [];
  for (let start = 0; start < samples.length; start += second) {
    listener.push(samples.subarray(start, start + second));
    words.push(...listener.read({isEnd: start + second >= samples.length}));
  }
  return words;
}

function smooth(values) {
  return values.map((value, k) => ((values[k - 1] ?? 0) + value + (values[k + 1] ?? 0)) / 3);
}

function quantile(values, share) {
  const sorted = Float64Array.from(values).sort(), at = share * (sorted.length - 1), low = Math.floor(at);
  return sorted[low] + (at - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
}

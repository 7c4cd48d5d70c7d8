// From samples to what the network sees. The same steps, in the same order, as features/mel.py, training/dataset.py and
// training/transforms.py take; a test holds the two together.

/** Resamples a stream by windowed sinc interpolation, with the pass band and the rejection of soxr's high quality. */
class Resampler {
  static PASS_BAND = 0.91374; // of the lower of the two Nyquist frequencies
  static REJECTION_DB = 127;
  static MOST_PHASES = 640; // between two samples; where the rates ask for more, neighbouring phases are mixed

  constructor(fromHz, toHz) {
    this.isIdle = fromHz === toHz;
    this.step = fromHz / toHz; // input samples between two output samples
    const lowest = Math.min(1, toHz / fromHz);
    const cutOff = lowest * (1 + Resampler.PASS_BAND) / 2;
    const transition = lowest * (1 - Resampler.PASS_BAND) / 2; // cycles per input sample
    this.half = Math.ceil((Resampler.REJECTION_DB - 7.95) / (14.36 * transition) / 2); // Kaiser's formula
    this.isExact = toHz / gcd(fromHz, toHz) <= Resampler.MOST_PHASES;
    this.nPhases = this.isExact ? toHz / gcd(fromHz, toHz) : Resampler.MOST_PHASES;
    this.filters = Resampler.filters(this.nPhases, this.half, cutOff);
    this.waiting = new Float32Array(this.half); // silence before the first sample
    this.first = -this.half; // number of the first waiting sample
    this.nInputs = 0;
    this.nOutputs = 0;
  }

  static filters(nPhases, half, cutOff) {
    const beta = 0.1102 * (Resampler.REJECTION_DB - 8.7);
    const filters = [];
    for (let phase = 0; phase <= nPhases; phase++) {
      const filter = new Float64Array(2 * half);
      for (let tap = 0; tap < 2 * half; tap++) {
        const at = tap - half + 1 - phase / nPhases; // input samples from the output sample
        const inside = 1 - (at / half) ** 2;
        const sinc = at === 0 ? cutOff : Math.sin(Math.PI * cutOff * at) / (Math.PI * at);
        filter[tap] = inside < 0 ? 0 : sinc * bessel(beta * Math.sqrt(inside)) / bessel(beta);
      }
      filters.push(filter);
    }
    return filters;
  }

  /** Takes in samples and returns those that are ready. */
  push(samples) {
    this.nInputs += samples.length;
    return this.isIdle ? samples : this.#resample(samples, Infinity);
  }

  /** Returns what is left, as if silence followed. */
  end() {
    if (this.isIdle) return new Float32Array(0);
    return this.#resample(new Float32Array(2 * this.half), Math.round(this.nInputs / this.step));
  }

  #resample(samples, limit) {
    const inputs = joined([this.waiting, samples]);
    const outputs = [];
    for (; this.nOutputs < limit; this.nOutputs++) {
      const exact = this.nOutputs * this.step;
      let whole = Math.floor(exact + 1e-9);
      let phase = Math.max(0, exact - whole) * this.nPhases;
      if (this.isExact) phase = Math.round(phase);
      const start = whole - this.half + 1 - this.first;
      if (start + 2 * this.half > inputs.length) break;
      const low = Math.floor(phase), share = phase - low;
      const sum = dot(this.filters[low], inputs, start);
      outputs.push(share ? sum + share * (dot(this.filters[low + 1], inputs, start) - sum) : sum);
    }
    const next = Math.max(0, Math.floor(this.nOutputs * this.step) - this.half + 1 - this.first);
    this.waiting = inputs.slice(next);
    this.first += next;
    return Float32Array.from(outputs);
  }
}

function resample(samples, fromHz, toHz) {
  const resampler = new Resampler(fromHz, toHz);
  return joined([resampler.push(samples), resampler.end()]);
}

function dot(filter, inputs, start) {
  let a = 0, b = 0; // two sums that need not wait for each other; a filter's length is even
  for (let tap = 0; tap < filter.length; tap += 2) {
    a += filter[tap] * inputs[start + tap];
    b += filter[tap + 1] * inputs[start + tap + 1];
  }
  return a + b;
}

/** The modified Bessel function of order zero, as Kaiser's window has it. */
function bessel(x) {
  let sum = 1;
  for (let k = 1, term = 1; term > 1e-12 * sum; k++) sum += term *= (x / (2 * k)) ** 2;
  return sum;
}

function average(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function gcd(a, b) {
  return b ? gcd(b, a % b) : a;
}

function joined(parts) {
  const all = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The Fourier transform of real frames of a power of two of samples. */
class Fourier {
  constructor(size) {
    this.size = size;
    this.real = new Float64Array(size);
    this.imaginary = new Float64Array(size);
    this.cosines = Float64Array.from({length: size / 2}, (_, k) => Math.cos(2 * Math.PI * k / size));
    this.sines = Float64Array.from({length: size / 2}, (_, k) => -Math.sin(2 * Math.PI * k / size));
    this.reversed = new Uint32Array(size);
    for (let k = 1; k < size; k++) this.reversed[k] = (this.reversed[k >> 1] >> 1) | (k & 1 ? size >> 1 : 0);
  }

  /** Returns the power of each frequency, in an array that the next call overwrites. */
  power(frame, power) {
    const {size, real, imaginary, cosines, sines, reversed} = this;
    for (let k = 0; k < size; k++) real[k] = frame[reversed[k]];
    imaginary.fill(0);
    for (let half = 1, stride = size / 2; half < size; half *= 2, stride /= 2) {
      for (let start = 0; start < size; start += 2 * half) {
        for (let k = 0; k < half; k++) {
          const upper = start + k, lower = upper + half;
          const cosine = cosines[k * stride], sine = sines[k * stride];
          const re = real[lower] * cosine - imaginary[lower] * sine;
          const im = real[lower] * sine + imaginary[lower] * cosine;
          real[lower] = real[upper] - re;
          imaginary[lower] = imaginary[upper] - im;
          real[upper] += re;
          imaginary[upper] += im;
        }
      }
    }
    for (let k = 0; k <= size / 2; k++) power[k] = real[k] ** 2 + imaginary[k] ** 2;
  }
}

const toMel = hertz => 2595 * Math.log10(1 + hertz / 700); // HTK's scale
const toHertz = mel => 700 * (10 ** (mel / 2595) - 1);

/** Mel power of a clip: every frame whose window touches it. */
class MelPower {
  static BACKGROUND = 10; // one frame of so many is quieter than what counts as the background
  static SPEECH_DB = 15;
  static MARGIN = 2; // frames

  constructor({sample_rate, n_fft, hop_length, n_mels, lowest_hz = 0}) {
    Object.assign(this, {rate: sample_rate, size: n_fft, hop: hop_length, nMels: n_mels, removesMean: lowest_hz > 0});
    this.lead = Math.ceil(n_fft / (2 * hop_length)) - 1; // frames before the one centred on the first sample
    this.fourier = new Fourier(n_fft);
    this.window = Float64Array.from({length: n_fft}, (_, k) => 0.5 - 0.5 * Math.cos(2 * Math.PI * k / n_fft));
    const lowest = toMel(lowest_hz), highest = toMel(sample_rate / 2);
    this.edges = Array.from({length: n_mels + 2}, (_, k) => toHertz(lowest + (highest - lowest) * k / (n_mels + 1))); // Hz
    this.filters = Array.from({length: n_mels}, (_, band) => this.#filter(...this.edges.slice(band, band + 3)));
  }

  #filter(low, centre, high) {
    const spacing = this.rate / this.size;
    const first = Math.ceil(low / spacing), last = Math.min(Math.floor(high / spacing), this.size / 2);
    const weights = [];
    for (let bin = first; bin <= last; bin++) {
      const hertz = bin * spacing;
      weights.push(Math.max(0, Math.min((hertz - low) / (centre - low), (high - hertz) / (high - centre))));
    }
    return {first, weights: Float64Array.from(weights)};
  }

  /** Returns power, Float32Array [n_frames * n_mels]. */
  of(samples) {
    if (this.removesMean) {
      const mean = samples.reduce((sum, value) => sum + value, 0) / samples.length;
      samples = samples.map(value => value - mean);
    }
    const nFrames = Math.ceil((samples.length + this.size / 2) / this.hop) + this.lead;
    const mean = this.removesMean ? average(samples) : 0;
    const mel = new Float32Array(nFrames * this.nMels);
    const frame = new Float64Array(this.size), power = new Float64Array(this.size / 2 + 1);
    for (let number = 0; number < nFrames; number++) {
      const start = (number - this.lead) * this.hop - this.size / 2;
      for (let k = 0; k < this.size; k++) {
        const isInside = start + k >= 0 && start + k < samples.length;
        frame[k] = isInside ? (samples[start + k] - mean) * this.window[k] : 0;
      }
      this.fourier.power(frame, power);
      this.filters.forEach(({first, weights}, band) => {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += weights[k] * power[first + k];
        mel[number * this.nMels + band] = sum;
      });
    }
    return mel;
  }

  /** Returns the first frame and the number of frames of what is left when both ends are cut that are quiet. */
  trimmed(mel, {trim_db, trim_snr_db, background, speech_db, margin}) {
    const nFrames = mel.length / this.nMels;
    const weights = this.edges.slice(1, -1).map(hertz => (hertz / 1000) ** 2); // so that a soft "s" counts as sound
    const power = Float64Array.from({length: nFrames}, (_, number) =>
      weights.reduce((sum, weight, band) => sum + weight * mel[number * this.nMels + band], 0));
    const sorted = power.slice().sort(), loudest = sorted.at(-1);
    let line = loudest * 10 ** (-trim_db / 10), widened = 0;
    if (trim_snr_db) {
      const quiet = sorted[Math.floor((nFrames - 1) / background)];
      line = Math.max(line, Math.min(quiet * 10 ** (trim_snr_db / 10), loudest * 10 ** (-speech_db / 10)));
      widened = margin;
    }
    let heard = Array.from(power, value => value >= line);
    const withNeighbour = heard.map((value, k) => value && !!(heard[k - 1] || heard[k + 1]));
    if (trim_snr_db && withNeighbour.includes(true)) heard = withNeighbour; // a lone frame is a click
    const first = Math.max(heard.indexOf(true) - widened, 0);
    return {first, nFrames: Math.min(heard.lastIndexOf(true) + widened, nFrames - 1) - first + 1};
  }
}

/** Samples at the model's rate in, the network's input out: trimmed, placed in a window, in decibels, normalised. */
class FrontEnd {
  constructor({features, window}) {
    this.mel = new MelPower(features);
    this.settings = window;
    this.windowSamples = Math.floor(window.clip_ms * features.sample_rate / 1000);
    this.nFrames = Math.floor(this.windowSamples / features.hop_length) + 1;
  }

  /** Returns decibels, Float32Array [n_frames * n_mels]. */
  of(samples) {
    const {mel, settings, nFrames} = this, nMels = mel.nMels;
    const power = mel.of(samples);
    const all = power.length / nMels;
    const own = settings.trim_db ? mel.trimmed(power, settings) : {first: 0, nFrames: all};
    const nSamples = settings.trim_db ? own.nFrames * mel.hop : samples.length;
    const slack = Math.floor(Math.max(this.windowSamples - nSamples, 0) / mel.hop);
    const offset = Math.min(Math.floor((slack + 1) / 2), slack) - (settings.trim_db ? 0 : mel.lead);
    const from = Math.max(0, offset), to = Math.min(nFrames, offset + own.nFrames); // the clip's frames in the window
    const placed = new Float32Array(nFrames * nMels);
    const cut = (own.first + from - offset) * nMels;
    placed.set(power.subarray(cut, cut + (to - from) * nMels), from * nMels);
    toDecibels(placed, settings.top_db);
    if (settings.padding === "blank") {
      normalise(placed.subarray(from * nMels, to * nMels));
      placed.fill(0, 0, from * nMels).fill(0, to * nMels);
    } else normalise(placed);
    return placed;
  }
}

function toDecibels(power, topDb) {
  let loudest = -Infinity;
  for (let k = 0; k < power.length; k++) {
    power[k] = 10 * Math.log10(Math.max(power[k], 1e-10));
    loudest = Math.max(loudest, power[k]);
  }
  for (let k = 0; k < power.length; k++) power[k] = Math.max(power[k], loudest - topDb);
}

function normalise(values) {
  let sum = 0, squares = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;
  for (const value of values) squares += (value - mean) ** 2;
  const scale = 1 / Math.sqrt(squares / values.length + 1e-5);
  for (let k = 0; k < values.length; k++) values[k] = (values[k] - mean) * scale;
}

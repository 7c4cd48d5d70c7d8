// Pictures of a recording: its waveform, and its mel spectrogram on the same axis of time.

const PALETTES = { // from quiet to loud
  light: [[250, 249, 246], [186, 216, 209], [63, 143, 139], [18, 74, 92], [20, 25, 50]],
  dark: [[24, 28, 33], [24, 62, 72], [36, 128, 124], [132, 205, 170], [250, 244, 205]],
};
const RANGE_DB = 60; // below the loudest band nothing is drawn

/** Draws recordings into two canvases. */
class Pictures {
  constructor(wave, spectrogram, mel) {
    Object.assign(this, {wave, spectrogram, mel, samples: new Float32Array(0), words: []});
    new ResizeObserver(() => this.draw()).observe(wave);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  show(samples, words = []) {
    Object.assign(this, {samples, words});
    this.draw();
  }

  draw() {
    this.seconds = Math.max(1, this.samples.length / this.mel.rate);
    this.#drawWave();
    this.#drawSpectrogram();
  }

  #canvas(canvas) {
    const ratio = devicePixelRatio || 1, {clientWidth: width, clientHeight: height} = canvas;
    Object.assign(canvas, {width: Math.round(width * ratio), height: Math.round(height * ratio)});
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    return {context, width, height, style: getComputedStyle(canvas)};
  }

  #drawWave() {
    const {context, width, height, style} = this.#canvas(this.wave);
    const perPixel = this.seconds * this.mel.rate / width;
    const loudest = this.samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0.05);
    for (const word of this.words) {
      const from = word.start / perPixel, to = Math.min(word.end / perPixel, width);
      context.fillStyle = style.getPropertyValue("--tint");
      context.fillRect(from, 0, to - from, height);
      context.fillStyle = style.color;
      context.font = `600 14px ${style.fontFamily}`;
      context.fillText(word.isNone ? "?" : word.label, from + 5, 16);
    }
    context.fillStyle = style.getPropertyValue("--accent");
    for (let x = 0; x < width; x++) {
      let low = 0, high = 0;
      for (let k = Math.floor(x * perPixel); k < (x + 1) * perPixel && k < this.samples.length; k++) {
        low = Math.min(low, this.samples[k]);
        high = Math.max(high, this.samples[k]);
      }
      const scale = 0.45 * height / loudest;
      context.fillRect(x, height / 2 - high * scale - 0.5, 1, (high - low) * scale + 1);
    }
  }

  #drawSpectrogram() {
    const {context, width, height, style} = this.#canvas(this.spectrogram);
    const below = 20, {mel} = this, nFrames = Math.ceil(this.seconds * mel.rate / mel.hop);
    const palette = PALETTES[matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"];
    const picture = new ImageData(nFrames, mel.nMels);
    const power = mel.of(this.samples), loudest = power.reduce((a, b) => Math.max(a, b), 1e-6);
    for (let frame = 0; frame < nFrames; frame++) for (let band = 0; band < mel.nMels; band++) {
      const value = power[(frame + mel.lead) * mel.nMels + band] || 0;
      const share = Math.max(0, 1 + 10 * Math.log10(value / loudest + 1e-12) / RANGE_DB);
      picture.data.set(colour(palette, share), 4 * ((mel.nMels - 1 - band) * nFrames + frame));
    }
    const raw = new OffscreenCanvas(nFrames, mel.nMels);
    raw.getContext("2d").putImageData(picture, 0, 0);
    context.drawImage(raw, 0, 0, width, height - below);
    context.fillStyle = style.color;
    context.font = `12px ${style.fontFamily}`;
    const step = [0.25, 0.5, 1, 2, 5, 10, 30, 60].find(seconds => this.seconds / seconds * 80 <= width) ?? 120;
    for (let at = 0; at < this.seconds * (1 - 30 / width); at += step) {
      const x = at / this.seconds * width;
      context.fillRect(x, height - below, 1, 4);
      context.fillText(`${at} s`, x + (at ? -8 : 0), height - 3);
    }
  }
}

function colour(palette, share) {
  const place = Math.min(share, 0.999) * (palette.length - 1), low = Math.floor(place);
  const mixed = palette[low].map((value, k) => value + (place - low) * (palette[low + 1][k] - value));
  return [...mixed, 255];
}

// Recordings: WAV files, what the browser decodes otherwise, and the microphone.

/** A reason why something cannot be done, in words for the person at the page. */
class Refusal extends Error {}

/** Returns the mono samples of a recording and its rate. */
async function readFile(file) {
  if (file.size > 50e6) throw new Refusal(`${file.name} is larger than 50 MB.`);
  const bytes = await file.arrayBuffer();
  if (!bytes.byteLength) throw new Refusal(`${file.name} is empty.`);
  const sound = readWav(new DataView(bytes)) || await decode(bytes, file.name);
  if (!sound.samples.length) throw new Refusal(`${file.name} holds no sound.`);
  if (!sound.samples.every(Number.isFinite)) throw new Refusal(`${file.name} holds values that are not numbers.`);
  return sound;
}

/** Leaves all but WAV to the browser. It resamples to the rate that is asked for, in a way of its own. */
async function decode(bytes, name) {
  const start = new DataView(bytes), isFlac = bytes.byteLength > 42 && start.getUint32(0) === 0x664C6143;
  const rate = isFlac ? start.getUint32(18) >>> 12 : 48000;
  try {
    const buffer = await new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes);
    const channels = Array.from({length: buffer.numberOfChannels}, (_, k) => buffer.getChannelData(k));
    return {samples: mixed(channels), rate: buffer.sampleRate};
  } catch {
    throw new Refusal(`${name} is not a sound file that this browser can read.`);
  }
}

const SAMPLE = { // how a sample is read, by coding and bits
  "1 8": (view, at) => (view.getUint8(at) - 128) / 2 ** 7,
  "1 16": (view, at) => view.getInt16(at, true) / 2 ** 15,
  "1 24": (view, at) => (view.getUint16(at, true) + view.getInt8(at + 2) * 2 ** 16) / 2 ** 23,
  "1 32": (view, at) => view.getInt32(at, true) / 2 ** 31,
  "3 32": (view, at) => view.getFloat32(at, true),
  "3 64": (view, at) => view.getFloat64(at, true),
};

/** Returns the samples of a WAV file of the usual kinds, or null. */
function readWav(view) {
  const tag = at => String.fromCharCode(...[0, 1, 2, 3].map(k => view.getUint8(at + k)));
  if (view.byteLength < 12 || tag(0) !== "RIFF" || tag(8) !== "WAVE") return null;
  let coding, nChannels, rate, bits;
  for (let at = 12; at + 8 <= view.byteLength;) {
    const size = view.getUint32(at + 4, true), end = Math.min(at + 8 + size, view.byteLength);
    if (tag(at) === "fmt " && end - at >= 24) {
      [coding, nChannels, rate] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true), view.getUint32(at + 12, true)];
      bits = view.getUint16(at + 22, true);
      if (coding === 0xFFFE && end - at >= 34) coding = view.getUint16(at + 32, true); // extensible
    } else if (tag(at) === "data") {
      const read = SAMPLE[`${coding} ${bits}`];
      if (!read || !nChannels || rate < 1000 || rate > 768000) return null;
      const nFrames = Math.floor((end - at - 8) / (nChannels * bits / 8));
      const channels = Array.from({length: nChannels}, (_, channel) => Float32Array.from({length: nFrames},
        (_, k) => read(view, at + 8 + (k * nChannels + channel) * bits / 8)));
      return {samples: mixed(channels), rate};
    }
    at += 8 + size + size % 2;
  }
  return null;
}

function mixed(channels) {
  if (channels.length === 1) return channels[0];
  return channels[0].map((_, k) => channels.reduce((sum, channel) => sum + channel[k], 0) / channels.length);
}

const WORKLET = `registerProcessor("tap", class extends AudioWorkletProcessor {
  block = new Float32Array(1024);
  filled = 0;
  process([channels]) {
    for (let k = 0; k < (channels[0] ?? []).length; k++) {
      this.block[this.filled++] = channels.reduce((sum, channel) => sum + channel[k], 0) / channels.length;
      if (this.filled === this.block.length) {
        this.port.postMessage(this.block.slice());
        this.filled = 0;
      }
    }
    return true;
  }
});`;

/** The microphone, at the device's own rate: asking for another one fails in some browsers. */
class Microphone {
  static async open(toHz, heard) {
    if (!navigator.mediaDevices?.getUserMedia || !window.AudioWorkletNode) throw new Refusal(isSecureContext
      ? "This browser cannot record here. Open a sound file, such as a voice memo."
      : "Browsers give a page the microphone only over https or on this computer itself. Open a sound file.");
    const plain = {echoCancellation: false, noiseSuppression: false, autoGainControl: false};
    const stream = await navigator.mediaDevices.getUserMedia({audio: plain}).catch(error => {
      throw new Refusal(error.name === "NotFoundError"
        ? "There is no microphone. Connect one, or open a sound file."
        : "The microphone was refused. Allow it in the browser's address bar, or open a sound file.");
    });
    const microphone = new Microphone();
    microphone.stream = stream;
    const context = microphone.context = new AudioContext();
    const urls = [`data:text/javascript,${encodeURIComponent(WORKLET)}`]; // works where the page was opened as a file
    urls.push(URL.createObjectURL(new Blob([WORKLET], {type: "text/javascript"})));
    try {
      await context.audioWorklet.addModule(urls[0]).catch(() => context.audioWorklet.addModule(urls[1]));
      await context.resume();
    } catch {
      microphone.close();
      throw new Refusal("This browser cannot record here. Open a sound file, such as a voice memo.");
    }
    const node = microphone.node = new AudioWorkletNode(context, "tap", {numberOfOutputs: 0});
    const resampler = new Resampler(context.sampleRate, toHz);
    node.port.onmessage = ({data}) => heard(resampler.push(data));
    context.createMediaStreamSource(stream).connect(node);
    return microphone;
  }

  close() {
    for (const track of this.stream.getTracks()) track.stop();
    this.context.close();
  }
}

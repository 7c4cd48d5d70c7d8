// Everything between a recording and an answer.

class Recognizer {
  constructor(settings, wholeWeights, constants) {
    this.settings = settings;
    this.rate = settings.features.sample_rate; // Hz
    this.frontEnd = new FrontEnd(settings);
    this.network = new Network(settings.steps, wholeWeights, constants);
  }

  /** Makes one of settings, and of weights and constants in base64. */
  static of(settings, weights, constants) {
    const bytes = text => Uint8Array.from(atob(text.trim()), letter => letter.charCodeAt(0)).buffer;
    return new Recognizer(settings, new Int16Array(bytes(weights)), new Float32Array(bytes(constants)));
  }

  /** Reads settings and weights from the page's own elements. */
  static fromPage() {
    const text = id => document.getElementById(id).textContent;
    return Recognizer.of(JSON.parse(text("settings")), text("weights"), text("constants"));
  }

  /** Returns the likeliest class of samples at the model's rate, and whether it is none of them after all. */
  answer(samples) {
    const {classes, temperature, no_digit} = this.settings;
    const inputs = this.frontEnd.of(samples);
    const logits = this.network.logits(inputs, this.frontEnd.nFrames, this.frontEnd.mel.nMels);
    const ofClasses = logits.subarray(0, classes.length); // a last one may stand for everything else
    const probabilities = softmax(ofClasses, temperature);
    const best = probabilities.indexOf(Math.max(...probabilities));
    const isNone = !!no_digit && logOfSum(ofClasses) - logits[classes.length] < no_digit.threshold;
    return {label: classes[best], probability: probabilities[best], probabilities, isNone};
  }
}

/** Returns the logarithm of the sum of exponentials. */
function logOfSum(logits) {
  const highest = Math.max(...logits);
  return highest + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - highest), 0));
}

// The network, step by step; a map lies in memory as [height, width, channels].

/** Computes the steps that page/network.py wrote. */
class Network {
  constructor(steps, wholeWeights, constants) {
    let weightAt = 0, constantAt = 0;
    this.steps = steps.map(step => {
      if (step.operation !== "convolve") return step;
      const {inputs, outputs, groups, kernel} = step;
      const perGroup = outputs / groups, size = kernel[0] * kernel[1] * inputs * perGroup;
      const [unit, bias] = [0, outputs].map(skip =>
        constants.subarray(constantAt + skip, constantAt + skip + outputs));
      const weight = new Float32Array(size);
      for (let k = 0; k < size; k++) {
        const group = Math.floor(k / perGroup) % inputs / (inputs / groups) | 0;
        weight[k] = wholeWeights[weightAt + k] * unit[group * perGroup + k % perGroup];
      }
      weightAt += size;
      constantAt += 2 * outputs;
      return {...step, perGroup, weight, bias};
    });
  }

  /** Returns the logits for an input of one channel. */
  logits(values, height, width) {
    const results = [{values, height, width, channels: 1}];
    for (const step of this.steps) results.push(OPERATIONS[step.operation](step, ...step.sources.map(k => results[k])));
    return results.at(-1).values;
  }
}

const OPERATIONS = {
  convolve,
  relu: (_, map) => ({...map, values: map.values.map(value => Math.max(value, 0))}),
  add: (_, map, other) => ({...map, values: map.values.map((value, k) => value + other.values[k])}),
  average: averageOfPlaces,
};

function convolve(step, map) {
  const {kernel, stride, padding, groups, inputs, outputs, perGroup, weight, bias} = step;
  const {values, height: inHeight, width: inWidth} = map;
  const height = Math.floor((inHeight + 2 * padding[0] - kernel[0]) / stride[0]) + 1;
  const width = Math.floor((inWidth + 2 * padding[1] - kernel[1]) / stride[1]) + 1;
  const sums = new Float32Array(height * width * outputs), inputsPerGroup = inputs / groups;
  const seen = new Float32Array(kernel[0] * kernel[1] * inputsPerGroup + 3); // inputs under the kernel that are not 0
  const filters = new Int32Array(seen.length); // and where the weights of each begin
  for (let y = 0, out = 0; y < height; y++) for (let x = 0; x < width; x++) {
    for (let group = 0; group < groups; group++, out += perGroup) {
      let n = 0;
      for (let ky = 0; ky < kernel[0]; ky++) for (let kx = 0; kx < kernel[1]; kx++) {
        const row = y * stride[0] + ky - padding[0], column = x * stride[1] + kx - padding[1];
        if (row < 0 || row >= inHeight || column < 0 || column >= inWidth) continue;
        const input = (row * inWidth + column) * inputs + group * inputsPerGroup;
        const filter = ((ky * kernel[1] + kx) * inputs + group * inputsPerGroup) * perGroup;
        for (let k = 0; k < inputsPerGroup; k++) {
          if (values[input + k] === 0) continue; // half of the values behind a ReLU
          seen[n] = values[input + k];
          filters[n++] = filter + k * perGroup;
        }
      }
      for (let k = 0; k < perGroup; k++) sums[out + k] = bias[group * perGroup + k];
      seen.fill(0, n, n + 3);
      filters.fill(0, n, n + 3);
      for (let i = 0; i < n; i += 4) { // four at a time take half as long as one
        const a = seen[i], b = seen[i + 1], c = seen[i + 2], d = seen[i + 3];
        const p = filters[i], q = filters[i + 1], r = filters[i + 2], s = filters[i + 3];
        for (let k = 0; k < perGroup; k++) {
          sums[out + k] += a * weight[p + k] + b * weight[q + k] + c * weight[r + k] + d * weight[s + k];
        }
      }
    }
  }
  return {values: sums, height, width, channels: outputs};
}

function averageOfPlaces(_, {values, height, width, channels}) {
  const means = new Float32Array(channels);
  for (let k = 0; k < values.length; k++) means[k % channels] += values[k] / (height * width);
  return {values: means, height: 1, width: 1, channels};
}

function softmax(logits, temperature) {
  const highest = Math.max(...logits);
  const exponents = Array.from(logits, logit => Math.exp((logit - highest) / temperature));
  const sum = exponents.reduce((a, b) => a + b);
  return exponents.map(value => value / sum);
}

// The page: what is pressed, what is said, and what is shown of it.

const ALMOST_SILENT = 0.003; // highest sample
const BEFORE_S = 0.25, AFTER_S = 0.12; // kept of the sound before a press and after a release
const TAP_MS = 300; // a press shorter than this goes on until the speaker pauses
const PAUSE_S = 0.6, LONGEST_S = 10;
const LONGEST_WORD_FILE_S = 2; // longer files are searched for several digits
const NEW_NUMBER_S = 1.8; // of silence
const NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

const element = Object.fromEntries([...document.querySelectorAll("[id]")].map(found => [found.id, found]));
const recognizer = Recognizer.fromPage(), {rate} = recognizer, {classes} = recognizer.settings;
const pictures = new Pictures(element.wave, element.spectrogram, recognizer.frontEnd.mel);
const page = {
  microphone: null, // opened by the first press
  before: [], // the last samples, in case a press comes late
  take: null, // what is recorded while the button is held
  listening: null, // what is recorded while the page keeps listening
};

// ---- microphone

async function withMicrophone() {
  complain("");
  try {
    return page.microphone ??= await Microphone.open(rate, heard);
  } catch (error) {
    complain(error);
    return null;
  }
}

function heard(samples) {
  const level = samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  element.talk.style.setProperty("--level", page.take ? Math.min(1, 3 * level).toFixed(2) : 0);
  page.before = page.before.length ? [...page.before, samples] : [samples];
  while (length(page.before) - page.before[0].length > BEFORE_S * rate) page.before.shift();
  if (page.take) recorded(page.take, samples);
  if (page.listening) listened(page.listening, samples);
}

const length = parts => parts.reduce((sum, part) => sum + part.length, 0);

// ---- one press

async function press() {
  if (page.take || page.isPressed) return;
  page.isPressed = true;
  const isFirst = !page.microphone;
  const microphone = await withMicrophone();
  if (!microphone || (isFirst && !page.isPressed)) { // let go to allow the microphone
    if (microphone) say("Ready. Hold the button and speak.");
    return release();
  }
  if (page.listening) toggleListening();
  page.take = {parts: [...page.before], pressed: performance.now(), listener: new Listener(recognizer), shown: 0};
  page.take.listener.push(joined(page.before));
  mark(element.talk, true, "Listening …");
  say("");
  element.latency.textContent = "";
  element.digit.textContent = "…";
  element.digit.className = "none";
}

function release() {
  page.isPressed = false;
  const {take} = page;
  if (!take || take.isEnding) return;
  if (performance.now() - take.pressed < TAP_MS) {
    take.isTap = true;
    mark(element.talk, true, "Speak now …");
    return;
  }
  take.endsAt = length(take.parts) + AFTER_S * rate;
}

function recorded(take, samples) {
  take.parts.push(samples);
  take.listener.push(samples);
  const now = length(take.parts);
  if (now >= (take.endsAt ?? LONGEST_S * rate)) return finish(take);
  if (now - take.shown < 0.2 * rate) return;
  take.shown = now;
  const stretches = take.listener.stretches();
  pictures.show(joined(take.parts));
  if (!stretches.length) return;
  const {hop} = take.listener;
  const soFar = take.listener.word(stretches[0][0], stretches.at(-1)[1]);
  showChances(soFar);
  element.digit.textContent = soFar.isNone ? "–" : soFar.label;
  if (take.isTap && now - stretches.at(-1)[1] * hop > PAUSE_S * rate) finish(take);
}

function finish(take) {
  page.take = null;
  mark(element.talk, false, "Hold and speak");
  answerTo(joined(take.parts), performance.now());
}

/** Answers to a recording at the model's rate; ``isWord`` takes it for one word from end to end. */
function answerTo(samples, started, isWord = false) {
  const loudest = samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (!samples.length || loudest < ALMOST_SILENT) {
    pictures.show(samples);
    showNothing();
    return complain(new Refusal(samples.length
      ? "That was almost silent. Come closer, or check which microphone is in use."
      : "That recording is empty."));
  }
  complain("");
  const words = isWord ? [{...recognizer.answer(samples), start: 0, end: samples.length}] : findDigits(recognizer, samples);
  const milliseconds = performance.now() - started;
  pictures.show(samples, words);
  const digits = words.filter(word => !word.isNone);
  if (digits.length) showAnswer(digits, milliseconds);
  else showNothing(milliseconds);
  if (words.length) showChances(words.at(-1));
}

// ---- listening on and on

async function toggleListening() {
  const listener = page.listening || !(await withMicrophone()) ? null : new Listener(recognizer);
  page.listening = listener && {listener, number: [], shown: 0, now: 0};
  mark(element.listen, !!listener, listener ? "Stop listening" : "Keep listening");
  if (listener) say("Listening. Say the digits of a number, with short pauses.");
}

function listened(listening, samples) {
  const {listener} = listening;
  listener.push(samples);
  listening.now += samples.length;
  if (listening.now - listening.shown < 0.2 * rate) return;
  listening.shown = listening.now;
  const started = performance.now();
  const words = listener.read({isEnd: false});
  const recent = listener.samples.slice(-4 * rate);
  const first = listener.first * listener.hop + listener.samples.length - recent.length;
  listening.words = [...(listening.words ?? []), ...words].filter(word => word.end > first);
  pictures.show(recent, listening.words.map(word => ({...word, start: word.start - first, end: word.end - first})));
  for (const word of words) {
    showChances(word);
    if (word.isNone) {
      say("No digit.");
      continue;
    }
    const isNew = !listening.number.length || word.start - listening.number.at(-1).end > NEW_NUMBER_S * rate;
    if (isNew) listening.number = [];
    listening.number.push(word);
    showAnswer(listening.number, performance.now() - started, !isNew);
  }
}

// ---- files

async function open(file) {
  complain("");
  try {
    const sound = await readFile(file);
    const started = performance.now();
    const samples = resample(sound.samples, sound.rate, rate);
    answerTo(samples, started, samples.length <= LONGEST_WORD_FILE_S * rate);
  } catch (error) {
    complain(error);
  }
}

// ---- what is shown

/** Shows digits; ``goesOn`` says that the last entry of the list was the beginning of the same number. */
function showAnswer(digits, milliseconds, goesOn = false) {
  const label = digits.map(word => word.label).join(" ");
  const probability = percent(Math.min(...digits.map(word => word.probability)));
  const said = (goesOn ? digits.slice(-1) : digits).map(word => NAMES[word.label] ?? word.label).join(", ");
  element.digit.textContent = label;
  element.digit.className = label.length > 2 ? "long" : "";
  say(`${said[0].toUpperCase()}${said.slice(1)}, ${probability}`);
  if (goesOn) element.answers.firstChild?.remove();
  note(label, probability, milliseconds);
}

function showNothing(milliseconds) {
  element.digit.textContent = "–";
  element.digit.className = "none";
  say("No digit was heard.");
  showChances(null);
  if (milliseconds !== undefined) note("–", "no digit", milliseconds);
}

function showChances(answer) {
  const rows = [...element.chances.children];
  const none = answer ? (answer.isNone ? 1 : 0) : 1;
  rows.forEach((row, k) => {
    const isNone = row === element.none;
    const value = isNone ? none : answer?.probabilities[k] ?? 0;
    row.classList.toggle("best", isNone ? none === 1 : !!answer && !answer.isNone && answer.label === row.firstChild.textContent);
    row.querySelector("i").style.width = `${100 * value}%`;
    row.querySelector("output").textContent = isNone ? (none ? "yes" : "no") : answer ? percent(value) : "–";
  });
}

function note(label, detail, milliseconds) {
  element.latency.textContent = `answered in ${milliseconds.toFixed(0)} ms`;
  const entry = document.createElement("li"), strong = document.createElement("b");
  strong.textContent = label;
  entry.append(strong, `${detail}, ${milliseconds.toFixed(0)} ms`);
  element.answers.prepend(entry);
  while (element.answers.children.length > 20) element.answers.lastChild.remove();
  element.clear.hidden = false;
}

function say(text) {
  element.said.textContent = text;
}

function complain(problem) {
  if (problem && !(problem instanceof Refusal)) console.error(problem);
  element.problem.textContent = problem instanceof Refusal ? problem.message : problem && "Something went wrong.";
}

function mark(button, isPressed, text) {
  button.setAttribute("aria-pressed", isPressed);
  (button.querySelector("span") ?? button).textContent = text;
}

const percent = value => `${Math.round(100 * value)} %`;

// ---- what is pressed

element.talk.addEventListener("pointerdown", event => {
  if (event.button) return;
  element.talk.setPointerCapture(event.pointerId);
  press();
});
for (const name of ["pointerup", "pointercancel"]) element.talk.addEventListener(name, release);
element.talk.addEventListener("contextmenu", event => event.preventDefault());
element.talk.addEventListener("click", event => { // by Enter or a screen reader
  if (event.detail) return;
  press().then(release);
});
element.listen.addEventListener("click", toggleListening);
element.clear.addEventListener("click", () => {
  element.answers.replaceChildren();
  element.clear.hidden = true;
});

const isSpace = event => event.code === "Space" && (event.target === element.talk || !event.target.closest("button, input, a"));
document.addEventListener("keydown", event => {
  if (!isSpace(event)) return;
  event.preventDefault();
  if (!event.repeat) press();
});
document.addEventListener("keyup", event => {
  if (!isSpace(event)) return;
  event.preventDefault();
  release();
});

element.file.addEventListener("change", () => {
  if (element.file.files.length) open(element.file.files[0]);
  element.file.value = "";
});
document.addEventListener("dragover", event => {
  event.preventDefault();
  document.body.classList.add("dropping");
});
document.addEventListener("dragleave", event => event.relatedTarget || document.body.classList.remove("dropping"));
document.addEventListener("drop", event => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  if (event.dataTransfer.files.length) open(event.dataTransfer.files[0]);
});
document.addEventListener("visibilitychange", () => { // a page out of sight does not keep the microphone
  if (!document.hidden || !page.microphone) return;
  page.microphone.close();
  if (page.listening) mark(element.listen, false, "Keep listening");
  if (page.take) mark(element.talk, false, "Hold and speak");
  Object.assign(page, {microphone: null, take: null, listening: null, before: [], isPressed: false});
});

// What is said first is answered as fast as what follows if the browser has compiled everything by then.
setTimeout(() => {
  const burst = Float32Array.from({length: rate}, (_, k) => (k > rate / 3 && k < rate / 2 ? Math.sin(k * k / rate) : 0));
  for (let k = 0; k < 4; k++) findDigits(recognizer, burst);
}, 50);

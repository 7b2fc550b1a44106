// The review console: takes a clip, plays it, and sends the curator's judgement. All text reaches the page as text.

const at = (id) => document.getElementById(id);
const [audio, transcript, acceptForm, message, status, progress, source, clipCard, emptyCard] = [
  "audio", "transcript", "accept-form", "message", "status", "progress", "source", "clip", "empty",
].map(at);
const reasonButtons = [...document.querySelectorAll("[data-reason]")];
const SIGN_IN = "/sign-in?next=/review";
const ACCEPTED = "Accepted.";

let clip = null;
let busy = false;
let done = 0;

class Refusal extends Error {
  constructor(httpStatus, detail, type) {
    super(detail);
    this.httpStatus = httpStatus;
    this.isPersonalData = (type || "").includes(":personal-data-");
  }
}

async function call(method, address, body) {
  let answer;
  try {
    answer = await fetch(address, {
      method,
      credentials: "same-origin",
      headers: body ? { "Content-Type": "application/json" } : {},
      body: body && JSON.stringify(body),
    });
  } catch {
    throw new Refusal(0, "The server cannot be reached. What you typed is still here: try again.");
  }
  if (answer.status === 401) location.assign(SIGN_IN);
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Refusal(answer.status, problem.detail || `The server answered ${answer.status}: try again.`, problem.type);
  }
  return answer;
}

function complain(text) {
  message.textContent = text;
  message.hidden = !text;
  if (text) message.scrollIntoView({ block: "nearest" });
}

function setBusy(now) {
  busy = now;
  clipCard.setAttribute("aria-busy", String(now));
}

function setHeard(now) {
  clipCard.dataset.heard = String(now);
  at("replay-word").textContent = now ? "Play again" : "Play";
}

function showProgress(waiting) {
  const many = waiting >= 1000 ? "1000 or more" : String(waiting);
  progress.textContent = done ? `${done} done · ${many} waiting` : `${many} waiting`;
}

async function play() {
  audio.currentTime = 0;
  try {
    await audio.play();
  } catch (error) {
    if (error.name === "NotAllowedError") status.textContent = "Press Play to listen.";
  }
}

function askWhetherLooked(now) {
  at("looked").checked = false;
  at("looked-line").hidden = !now;
}

function sourceOf(next) {
  if (next.second_opinion) return "A second opinion: write down what you hear";
  return next.hypothesis ? `Prefilled by ${next.hypothesis.recogniser}` : "Nothing was guessed";
}

function show(next, said) {
  clip = next;
  askWhetherLooked(false);
  document.dispatchEvent(new CustomEvent("clip-shown", { detail: next }));
  setHeard(false);
  clipCard.hidden = !next;
  emptyCard.hidden = Boolean(next);
  showProgress(next ? next.waiting : 0);
  if (!next) {
    audio.removeAttribute("src");
    status.textContent = said || "";
    emptyCard.querySelector("h2").focus();
    return;
  }
  transcript.value = next.hypothesis ? next.hypothesis.text : "";
  transcript.removeAttribute("aria-invalid");
  source.textContent = sourceOf(next);
  status.textContent = `${said || ""} Next clip: ${next.duration_s.toFixed(1)} seconds.`.trim();
  audio.src = next.audio_url;
  // On a phone the keyboard would cover what there is to hear.
  if (matchMedia("(pointer: coarse)").matches) at("replay").focus({ preventScroll: true });
  else transcript.focus();
  play();
}

async function takeNext(said) {
  try {
    const answer = await call("GET", "/v1/review/next");
    show(answer.status === 204 ? null : await answer.json(), said);
  } catch (refusal) {
    // Whatever it was, the clip on the page is settled and must not be judged twice.
    clip = null;
    clipCard.hidden = true;
    emptyCard.hidden = false;
    complain(refusal.message);
    at("again").focus();
  }
}

async function judge(judgement, said) {
  if (busy || !clip) return;
  if (clipCard.dataset.heard !== "true") {
    complain("Listen to the clip first.");
    play();
    return;
  }
  setBusy(true);
  complain("");
  try {
    await call("POST", `/v1/review/clips/${clip.clip_id}`, judgement);
    done += 1;
    await takeNext(said);
  } catch (refusal) {
    complain(refusal.message);
    if (refusal.isPersonalData) {
      if (at("personal").dataset.open === "0") askWhetherLooked(true);
      else at("personal-title").focus();
    } else if (refusal.httpStatus === 404 || refusal.httpStatus === 409) await takeNext();
    else if (judgement.decision === "accept") {
      transcript.setAttribute("aria-invalid", "true");
      transcript.focus();
    }
  } finally {
    setBusy(false);
  }
}

const accept = () =>
  judge({ decision: "accept", transcript: transcript.value, personal_data_looked: at("looked").checked }, ACCEPTED);
const reject = (button) =>
  judge({ decision: "reject", reason: button.dataset.reason }, `Rejected: ${button.lastChild.textContent.trim()}.`);

acceptForm.addEventListener("submit", (event) => {
  event.preventDefault();
  accept();
});
for (const button of reasonButtons) button.addEventListener("click", () => reject(button));
at("replay").addEventListener("click", play);
at("again").addEventListener("click", () => {
  complain("");
  takeNext();
});
document.addEventListener("personal-data-decided", ({ detail }) => {
  complain("");
  if (detail.dropped) {
    takeNext("Nothing was left of it.");
  } else if (detail.redacted) {
    transcript.value = detail.transcript;
    setHeard(false);
    audio.src = `${clip.audio_url}?redacted=${Date.now()}`;
    status.textContent = "Taken out. Listen again, and accept what is left.";
    play();
  } else status.textContent = "Decided.";
});
transcript.addEventListener("input", () => {
  askWhetherLooked(false);
  transcript.removeAttribute("aria-invalid");
  complain("");
});
audio.addEventListener("playing", () => {
  setHeard(true);
  if (message.textContent === "Listen to the clip first.") complain("");
});
audio.addEventListener("error", async () => {
  if (!clip || !audio.hasAttribute("src")) return;
  try {
    await call("GET", clip.audio_url);
    complain("This browser cannot play the clip: reject it as “Other”, or try another browser.");
    setHeard(true);
  } catch (refusal) {
    complain(refusal.message);
    if (refusal.httpStatus === 404) await takeNext();
  }
});

document.addEventListener("keydown", (event) => {
  // A key held down must not judge the clip that comes next, nor one that ends a composed character accept it.
  if (!clip || event.repeat || event.isComposing) {
    if (event.repeat && event.key === "Enter") event.preventDefault();
    return;
  }
  const typing = event.target === transcript;
  const control = event.ctrlKey || event.metaKey;
  if (event.code === "Space" && event.ctrlKey) play();
  else if (event.key === "Enter" && (control || (typing && !event.shiftKey))) accept();
  else if (event.key === "Escape" && typing) transcript.blur();
  else if (typing || control || event.altKey) return;
  else if (event.key.toLowerCase() === "r") play();
  else if (reasonButtons[Number(event.key) - 1]) reject(reasonButtons[Number(event.key) - 1]);
  else return;
  event.preventDefault();
});

takeNext();

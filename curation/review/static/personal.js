// Flagged words of the clip on the page: a curator says of each whether it is personal data, and may mark more.

const at = (id) => document.getElementById(id);
const [section, list, words, marking, done, state, title] = [
  "personal", "flagged", "heard-words", "marking", "personal-apply", "personal-status", "personal-title",
].map(at);
const KINDS = {
  email: "e-mail address", card: "card number", account: "account number", national_id: "identity number",
  phone: "phone number", date_of_birth: "date of birth", address: "address", number: "long number", name: "name",
  place: "place", other: "marked",
};

let clip = null;
let found = null;
const decided = new Map();
const marked = new Set();

const address = () => `/v1/review/clips/${clip.clip_id}/personal-data`;

function button(text, pressed, onPress) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.setAttribute("aria-pressed", String(pressed));
  made.addEventListener("click", () => onPress(made));
  return made;
}

function choose(span, isPersonal, row) {
  decided.set(span.span_id, isPersonal);
  const [yes, no] = row.querySelectorAll("button");
  yes.setAttribute("aria-pressed", String(isPersonal));
  no.setAttribute("aria-pressed", String(!isPersonal));
  update();
}

function rowOf(span) {
  const row = document.createElement("li");
  const said = document.createElement("q");
  said.textContent = found.words.slice(span.first, span.stop).join(" ");
  const kind = document.createElement("span");
  kind.className = "hint";
  kind.textContent = KINDS[span.kind] || span.kind;
  const yes = button("Take it out", false, () => choose(span, true, row));
  const no = button("It is none", false, () => choose(span, false, row));
  yes.setAttribute("aria-label", `Take out: ${said.textContent}`);
  no.setAttribute("aria-label", `No personal data: ${said.textContent}`);
  row.append(said, kind, yes, no);
  return row;
}

function wordOf(word, place) {
  return button(word, false, (made) => {
    if (marked.has(place)) marked.delete(place);
    else marked.add(place);
    made.setAttribute("aria-pressed", String(marked.has(place)));
    update();
  });
}

function update() {
  const open = found.spans.filter((span) => !decided.has(span.span_id)).length;
  const takesOut = marked.size > 0 || [...decided.values()].includes(true);
  done.disabled = open > 0 || (!takesOut && found.spans.length === 0);
  if (takesOut && !found.removable) {
    state.textContent = "Nobody knows when these words are said: reject the clip as “Personal data” instead.";
    done.disabled = true;
  } else state.textContent = open ? `${open} to decide.` : "";
}

function show(next) {
  found = next;
  decided.clear();
  marked.clear();
  list.replaceChildren(...found.spans.map(rowOf));
  words.replaceChildren(...found.words.map(wordOf));
  marking.open = false;
  marking.hidden = !found.removable || !found.words.length;
  section.hidden = !found.spans.length && marking.hidden;
  title.textContent = found.spans.length ? "Personal data?" : "Nothing is flagged";
  section.dataset.open = String(found.spans.length);
  update();
  if (found.spans.length && !matchMedia("(pointer: coarse)").matches) title.focus();
}

function runs(places) {
  const sorted = [...places].sort((one, other) => one - other);
  const found = [];
  for (const place of sorted) {
    if (found.length && found.at(-1).stop === place) found.at(-1).stop = place + 1;
    else found.push({ first: place, stop: place + 1 });
  }
  return found;
}

async function load() {
  section.hidden = true;
  const asked = clip;
  const answer = await fetch(address(), { credentials: "same-origin" }).catch(() => null);
  if (asked !== clip) return;
  if (answer && answer.ok) show(await answer.json());
}

async function apply() {
  if (done.disabled) return;
  done.disabled = true;
  const of = (isPersonal) => [...decided].filter(([, so]) => so === isPersonal).map(([id]) => id);
  const body = { confirmed: of(true), dismissed: of(false), marked: runs(marked) };
  const answer = await fetch(address(), {
    method: "POST",
    credentials: "same-origin",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  }).catch(() => null);
  if (!answer || !answer.ok) {
    const problem = answer ? await answer.json().catch(() => ({})) : {};
    update();
    state.textContent = problem.detail || "The server cannot be reached: try again.";
    return;
  }
  const ended = await answer.json();
  document.dispatchEvent(new CustomEvent("personal-data-decided", { detail: ended }));
  if (!ended.dropped) await load();
}

done.addEventListener("click", apply);
document.addEventListener("clip-shown", (event) => {
  clip = event.detail;
  section.hidden = true;
  if (clip) load();
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("textarea, input");
  if (section.hidden || typing || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.toLowerCase();
  if (key === "d") apply();
  else if (key === "m" && !marking.hidden) marking.open = !marking.open;
});

// Saves each choice at once and says so; where this does not run, the buttons save.
const form = document.getElementById("card");
let last = Promise.resolve();
let changed = new Set();  // names of what was touched and is not confirmed

function say(saved, message) {
  document.getElementById("saved").textContent = saved;
  document.getElementById("message").textContent = message;
}

// Show what is on disk by now; what was touched meanwhile stays.
function show(page) {
  const fresh = page.getElementById("card");
  if (fresh?.elements.card.value !== form.elements.card.value) return location.reload();
  for (const input of fresh.querySelectorAll("input")) {
    if (changed.has(input.name)) continue;
    const own = form.querySelector(`input[name="${input.name}"][value="${input.value}"]`)
      || form.elements[input.name];
    own.value = input.value;
    own.checked = input.checked;
    own.disabled = input.disabled;
  }
  const comment = form.elements.comment;
  const untouched = comment.value === comment.defaultValue;
  comment.defaultValue = fresh.elements.comment.value;
  if (untouched) comment.value = comment.defaultValue;
  comment.disabled = fresh.elements.comment.disabled;
  for (const id of ["progress", "message"])
    document.getElementById(id).innerHTML = page.getElementById(id).innerHTML;
  for (const mark of fresh.querySelectorAll(".mark"))
    document.getElementById(mark.id).textContent = mark.textContent;
}

async function ask(options) {
  const answer = await fetch(`?card=${form.elements.at.value}`, options);
  if (!answer.ok && answer.status !== 403) throw new Error(answer.status);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function save(event) {
  changed.add(event.target.name);
  last = last.then(async () => {
    const body = new URLSearchParams(new FormData(form));
    const sent = changed;
    changed = new Set();
    body.set("go", "stay");
    try {
      const page = await ask({method: "POST", body});
      say("✓ Saved", "");
      show(page);
    } catch {
      sent.forEach((name) => changed.add(name));
      say("", "Not saved: no connection. What is marked as saved is safe; the buttons try again.");
    }
  });
}

if (form) {
  form.addEventListener("change", save);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) last = last.then(() => ask({}).then(show)).catch(() => {});
  });
}

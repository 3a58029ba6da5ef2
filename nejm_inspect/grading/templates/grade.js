// Grades of one rater. They are kept in local storage, and leave the page only as a file.
const {draw, rater, items, images} = JSON.parse(document.getElementById("data").textContent);
const by = id => document.getElementById(id);
const key = `nejm-inspect grade ${draw} rater ${rater}`;
const pad = [...document.querySelectorAll("#pad button")];
let state = {at: 0, given: {}, undo: []}; // what is given by id: points (null: cannot judge), remark
const element = (tag, properties, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};

const given = at => state.given[items[at].id] ?? {};
const isGraded = at => given(at).points !== undefined;
const change = (at, changes) => state.given[items[at].id] = {...given(at), ...changes};
const words = points => points === null ? "cannot judge" : points === 1 ? "1 point" : `${points} points`;

const load = () => {
  try { state = JSON.parse(localStorage.getItem(key)) ?? state; } catch { /* nothing can be read */ }
};
const keep = () => {
  try {
    localStorage.setItem(key, JSON.stringify(state));
    by("unkept").hidden = true;
  } catch { by("unkept").hidden = false; }
};

const show = (news = "") => {
  const {at} = state, item = items[at], left = items.filter((_, n) => !isGraded(n)).length;
  const progress = `${items.length - left} of ${items.length} graded`;
  by("told").textContent = progress + news;
  by("title").textContent = `${at + 1} of ${items.length}`;
  for (const name of ["history", "reference", "response"]) by(name).textContent = item[name];
  by("response").scrollTop = 0;
  by("images").replaceChildren(...item.images.map(name => {
    const image = element("img", {src: images[name], alt: "Image of the case"});
    return element("button", {onclick: () => enlarge(image.src)}, image);
  }));
  by("imageless").hidden = item.images.length > 0;
  by("remark").value = given(at).remark ?? "";
  for (const button of pad) {
    const points = button.value === "" ? null : Number(button.value);
    button.setAttribute("aria-pressed", given(at).points === points);
  }
  by("back").disabled = at === 0;
  by("forth").disabled = at === items.length - 1;
  by("undo").disabled = state.undo.length === 0;
  by("bar").value = items.length - left;
  by("done").hidden = left > 0;
  by("left").firstElementChild.textContent = `${progress}, ${left} left`;
  by("list").replaceChildren(...items.map((_, n) => {
    const told = isGraded(n) ? words(given(n).points) : "not graded";
    const button = element("button", {textContent: n + 1, title: told, onclick: () => go(n)});
    button.classList.toggle("graded", isGraded(n));
    button.setAttribute("aria-label", `Response ${n + 1}: ${told}`);
    button.setAttribute("aria-current", n === at);
    return button;
  }));
};
const go = (at, news) => {
  if (!(at in items)) return;
  state.at = at;
  keep();
  show(news);
  scrollTo(0, 0);
  by("title").focus({preventScroll: true}); // or Enter would press the same number again
};
const grade = points => {
  const {at} = state;
  state.undo.push({at, points: given(at).points});
  change(at, {points});
  by("rules").open = false;
  const next = items.map((_, n) => (at + 1 + n) % items.length).find(n => !isGraded(n));
  go(next ?? at, ` · ${at + 1}: ${words(points)}`);
};
const undo = () => {
  if (!state.undo.length) return;
  const {at, points} = state.undo.pop();
  change(at, {points});
  go(at, " · undone");
};
const enlarge = source => {
  by("large").lastElementChild.src = source;
  by("large").showModal();
};

const save = form => {
  const rows = items.map(({id}, n) => {
    const {points, remark = ""} = given(n);
    return {draw, rater, response_id: id, points: points ?? "", cannot_judge: points === null ? "yes" : "", remark};
  });
  // A spreadsheet would take a text with such a first character for a formula.
  const cell = value => `"${String(value).replace(/\s+/g, " ").replace(/^(?=[-=+@＝＋－＠])/, "'").replaceAll('"', '""')}"`;
  const lines = [Object.keys(rows[0]), ...rows.map(Object.values)].map(row => row.map(cell).join(","));
  const text = form === "csv" ? `\ufeff${lines.join("\r\n")}\r\n` : JSON.stringify(rows, null, 1);
  const href = URL.createObjectURL(new Blob([text], {type: form === "csv" ? "text/csv" : "application/json"}));
  element("a", {href, download: `grades-rater-${rater}.${form}`}).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
  show(` · saved as grades-rater-${rater}.${form}`);
};

const keys = {t: () => grade(10), c: () => grade(null), u: undo, r: () => by("remark").focus(),
  arrowleft: () => go(state.at - 1), arrowright: () => go(state.at + 1)};
for (let n = 0; n < 10; n++) keys[n] = () => grade(n);
addEventListener("keydown", event => {
  if (event.target === by("remark")) return event.key === "Escape" && by("title").focus();
  const pressed = event.key.toLowerCase();
  if (event.ctrlKey || event.metaKey || event.altKey || by("large").open || !Object.hasOwn(keys, pressed)) return;
  event.preventDefault();
  if (!event.repeat || pressed.startsWith("arrow")) keys[pressed](); // a key held down grades once
});
for (const button of pad) button.onclick = () => grade(button.value === "" ? null : Number(button.value));
for (const button of document.querySelectorAll(".save")) button.onclick = () => save(button.dataset.form);
by("back").onclick = keys.arrowleft;
by("forth").onclick = keys.arrowright;
by("undo").onclick = undo;
by("large").onclick = () => by("large").close();
by("remark").oninput = () => { change(state.at, {remark: by("remark").value}); keep(); };
addEventListener("storage", event => { if (event.key === key) { load(); show(); } }); // another tab
addEventListener("beforeunload", event => { if (!by("unkept").hidden) event.preventDefault(); });
load();
by("rules").open = !Object.keys(state.given).length;
keep();
show();

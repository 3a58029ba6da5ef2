// Sorts and filters the tables of cases. Without it they are plain tables.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  const place = name => heads.findIndex(head => head.textContent === name);
  const models = heads.map((head, n) => head.classList.contains("points") ? n : -1).filter(n => n >= 0);
  const value = (row, n) => row.cells[n].dataset.v === undefined ? NaN : Number(row.cells[n].dataset.v);
  const shown = row => row.textContent.toLowerCase();
  const best = Number(table.dataset.best);

  heads.forEach((head, n) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const order = (a, b) => {
        const [x, y] = [value(a, n), value(b, n)];
        if (isNaN(x) && isNaN(y)) return (up ? 1 : -1) * a.cells[n].textContent.localeCompare(b.cells[n].textContent, "en", {numeric: true});
        return isNaN(x) ? 1 : isNaN(y) ? -1 : up ? x - y : y - x;
      };
      body.append(...rows.sort(order));
    });
  });

  const filters = document.createElement("div");
  filters.className = "filters";
  const count = document.createElement("output");
  const choices = [];
  const choose = (title, options) => {
    const label = document.createElement("label");
    const select = document.createElement("select");
    select.append(...options.map(([text, test]) => new Option(text)));
    label.append(title, select);
    filters.append(label);
    choices.push(row => (options[select.selectedIndex][1] || (() => true))(row));
  };
  const given = row => models.map(n => value(row, n)).filter(v => !isNaN(v));
  const alone = n => row => value(row, n) === best && models.every(m => m === n || value(row, m) !== best);
  choose("Show", [
    ["all cases"],
    ["models disagree", row => value(row, place("Spread")) * 10 >= best * 7],
    ["all models wrong", row => given(row).length > 0 && given(row).every(v => v * 10 < best * 3)],
    ["all models right", row => given(row).length > 0 && given(row).every(v => v === best)],
    ["without a score", row => given(row).length < models.length],
    ...(models.length > 1 ? models.map(n => ["only " + heads[n].textContent + " right", alone(n)]) : []),
  ]);
  for (const name of ["Difficulty", "Question type"]) {
    const n = place(name);
    const found = n < 0 ? [] : [...new Set(rows.map(row => row.cells[n].textContent))].sort();
    if (found.length > 1) choose(name, [["all"], ...found.map(text => [text, row => row.cells[n].textContent === text])]);
  }
  const search = document.createElement("label");
  const words = document.createElement("input");
  words.type = "search";
  search.append("Search", words);
  filters.append(search, count);
  const texts = new Map(rows.map(row => {
    const link = row.cells[0].querySelector("a");
    const details = link && document.getElementById(link.hash.slice(1));
    return [row, {details, text: shown(row) + (details ? details.textContent.toLowerCase() : "")}];
  }));
  const apply = () => {
    const wanted = words.value.toLowerCase();
    let left = 0;
    for (const row of rows) {
      const {details, text} = texts.get(row);
      row.hidden = !(choices.every(test => test(row)) && text.includes(wanted));
      if (details) details.hidden = row.hidden;
      left += !row.hidden;
    }
    count.textContent = `${left} of ${rows.length} cases`;
  };
  filters.addEventListener("input", apply);
  table.closest(".scroll").before(filters);
  apply();

  for (const row of rows) {
    const link = row.cells[0].querySelector("a");
    if (!link) continue;
    link.addEventListener("click", event => {
      event.preventDefault();
      const next = row.nextElementSibling;
      if (next && next.classList.contains("opened")) return next.remove();
      const {details} = texts.get(row);
      const cell = document.createElement("td");
      cell.colSpan = heads.length;
      cell.className = "text";
      cell.append(...[...details.children].slice(1).map(child => child.cloneNode(true)));
      const opened = document.createElement("tr");
      opened.className = "opened";
      opened.append(cell);
      row.after(opened);
    });
  }
}

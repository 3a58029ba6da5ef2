// Sorts and filters the tables of cases. Without it they are plain tables.
const byText = new Intl.Collator("en", {numeric: true}).compare;
const element = (tag, properties, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};

for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  const best = Number(table.dataset.best);
  const text = (one, n) => one.row.cells[n]?.textContent;
  const value = (one, n) => Number(one.row.cells[n].dataset.v); // NaN if none, which sorts last
  const cases = [...table.tBodies[0].rows].map(row => {
    const link = row.cells[0].querySelector("a");
    const details = link && document.getElementById(link.hash.slice(1));
    const one = {row, details, words: (row.textContent + (details?.textContent ?? "")).toLowerCase()};
    if (details) details.hidden = true; // it opens in the table
    link?.addEventListener("click", event => {
      event.preventDefault();
      if (one.opened) return one.opened = one.opened.remove();
      const parts = [...details.children].slice(1).map(child => child.cloneNode(true));
      one.opened = element("tr", {className: "opened"}, element("td", {colSpan: heads.length}, ...parts));
      row.after(one.opened);
    });
    return one;
  });

  for (const [n, head] of heads.entries()) {
    const sort = () => {
      const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      heads.forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      cases.sort((a, b) => {
        const [x, y] = [value(a, n), value(b, n)];
        return isNaN(x) - isNaN(y) || sign * (isNaN(x) ? byText(text(a, n), text(b, n)) : x - y);
      });
      table.tBodies[0].append(...cases.flatMap(one => one.opened ? [one.row, one.opened] : one.row));
    };
    head.append(element("button", {type: "button", onclick: sort}, ...head.childNodes));
  }

  const filters = element("div", {className: "filters"});
  const search = element("input", {type: "search"});
  const tests = [one => one.words.includes(search.value.toLowerCase())];
  const choose = (title, options) => {
    const select = element("select", {}, ...options.map(([name]) => new Option(name)));
    filters.append(element("label", {}, title, select));
    tests.push(one => options[select.selectedIndex][1](one));
  };
  const place = name => heads.findIndex(head => head.textContent === name);
  const models = [...heads.keys()].filter(n => heads[n].classList.contains("points"));
  const given = one => models.map(n => value(one, n)).filter(v => !isNaN(v));
  choose("Show", [
    ["all cases", () => true],
    ["models disagree", one => value(one, place("Spread")) * 10 >= best * 7],
    ["all models wrong", one => given(one).length > 0 && Math.max(...given(one)) * 10 < best * 3],
    ["all models right", one => Math.min(...given(one)) === best],
    ["without a score", one => given(one).length < models.length],
    ...(models.length > 1 ? models : []).map(n =>
      [`only ${heads[n].textContent} right`, one => value(one, n) === best && given(one).filter(v => v === best).length === 1]),
  ]);
  for (const name of ["Difficulty", "Question type"]) {
    const n = place(name), found = [...new Set(cases.map(one => text(one, n)))]; // easiest first
    cases.forEach(one => one.row.cells[n] && (one.row.cells[n].dataset.v = found.indexOf(text(one, n))));
    if (found.length > 1) choose(name, [["all", () => true], ...found.map(it => [it, one => text(one, n) === it])]);
  }
  const count = element("output");
  filters.append(element("label", {}, "Search", search), count);
  const apply = () => {
    for (const one of cases) {
      const hidden = !tests.every(test => test(one));
      for (const part of [one.row, one.opened]) if (part) part.hidden = hidden;
    }
    count.textContent = `${cases.filter(one => !one.row.hidden).length} of ${cases.length} cases`;
  };
  filters.addEventListener("input", apply);
  table.closest(".scroll").before(filters);
  apply();
}

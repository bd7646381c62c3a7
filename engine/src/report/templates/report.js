"use strict";
(() => {
  const root = document.documentElement;
  const stored = () => { try { return localStorage.getItem("volley-theme"); } catch { return null; } };
  const button = document.getElementById("theme");
  if (stored()) root.dataset.theme = stored();
  button.hidden = false;
  button.addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("volley-theme", root.dataset.theme); } catch { /* a file of its own origin may not store */ }
  });

  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const sort = document.createElement("button");
      sort.type = "button";
      sort.textContent = head.textContent;
      head.replaceChildren(sort);
      sort.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") !== "descending";
        heads.forEach((it) => it.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const key = (row) => { const cell = row.cells[column]; return "v" in cell.dataset ? Number(cell.dataset.v) : cell.textContent.trim(); };
        const order = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
        const rows = [...table.tBodies[0].rows].sort((a, b) => (down ? -1 : 1) * order(key(a), key(b)));
        table.tBodies[0].append(...rows);
      });
    });
  }

  for (const chart of document.querySelectorAll(".chart")) {
    const plot = chart.querySelector(".plot");
    const table = chart.querySelector(".data table");
    const names = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
    const rows = [...table.tBodies[0].rows];
    if (!rows.length) continue;
    const places = rows.map((row) => Number(row.dataset.x));
    const cursor = document.createElement("div");
    const tip = document.createElement("div");
    cursor.className = "cursor";
    tip.className = "tip";
    tip.setAttribute("role", "status");
    let at = -1;
    const show = (index) => {
      at = Math.max(0, Math.min(rows.length - 1, index));
      const cells = [...rows[at].cells].map((cell) => cell.textContent);
      const head = document.createElement("b");
      head.textContent = cells[0];
      tip.replaceChildren(head, ...cells.slice(1).map((text, line) => {
        const row = document.createElement("span");
        const name = document.createElement("i");
        const value = document.createElement("i");
        name.style.fontStyle = value.style.fontStyle = "normal";
        name.textContent = names[line + 1];
        value.textContent = text;
        row.append(name, value);
        return row;
      }));
      plot.append(cursor, tip);
      cursor.style.left = places[at] + "%";
      const right = places[at] > 55;
      tip.style.left = right ? "auto" : `calc(${places[at]}% + 12px)`;
      tip.style.right = right ? `calc(${100 - places[at]}% + 12px)` : "auto";
    };
    const hide = () => { cursor.remove(); tip.remove(); };
    plot.addEventListener("pointermove", (event) => {
      const box = plot.getBoundingClientRect();
      const place = ((event.clientX - box.left) / box.width) * 100;
      let best = 0;
      places.forEach((it, index) => { if (Math.abs(it - place) < Math.abs(places[best] - place)) best = index; });
      show(best);
    });
    plot.addEventListener("pointerleave", hide);
    plot.addEventListener("blur", hide);
    plot.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, Home: -rows.length, End: rows.length }[event.key];
      if (step === undefined) { if (event.key === "Escape") hide(); return; }
      event.preventDefault();
      show(at < 0 ? 0 : at + step);
    });
  }
})();

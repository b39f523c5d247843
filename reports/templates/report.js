"use strict";
(() => {
  const form = document.querySelector(".filter");
  const [search, verdict, area, level] = ["search", "verdict", "area", "level"].map((id) => document.getElementById(id));
  const shown = document.getElementById("shown");
  const rows = [...document.querySelectorAll(".clauses tbody tr")];
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const cards = new Map([...document.querySelectorAll(".card")].map((card) => [card.dataset.clause, card]));

  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      const data = row.dataset;
      const fits = (!verdict.value || data.verdict === verdict.value)
        && (!area.value || data.area === area.value)
        && (!level.value || data.level === level.value)
        && words.every((word) => texts.get(row).includes(word));
      row.hidden = !fits;
      const card = cards.get(data.clause);
      if (card) card.hidden = !fits;
      if (fits) count += 1;
    }
    shown.value = `${count} of ${rows.length}`;
    document.querySelector(".empty").hidden = count > 0;
  };

  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
      event.preventDefault();
      search.focus();
    }
  });

  for (const link of document.querySelectorAll(".areas a")) {
    link.addEventListener("click", () => {
      form.reset();
      area.value = link.dataset.area;
      verdict.value = link.dataset.verdict || "";
      filter();
    });
  }

  // A link to a clause that the filter hides shows it.
  for (const link of document.querySelectorAll('a[href^="#"]')) {
    link.addEventListener("click", () => {
      const target = document.getElementById(link.hash.slice(1));
      if (target && target.hidden) {
        form.reset();
        filter();
      }
    });
  }

  const copied = async (text, pre) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      getSelection().selectAllChildren(pre);
      return document.execCommand("copy");
    }
  };
  for (const button of document.querySelectorAll(".copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const pre = button.parentElement.querySelector("pre");
      button.textContent = await copied(pre.textContent, pre) ? "Copied" : "Select and copy";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
  }

  filter();
})();

// Shows the value under the pointer, at once and under a finger too, or where arrow keys are; a picture as large as it
// is; and a run's next generation.
// Without it everything is there as well: browsers show an SVG's and a cell's title by themselves, after a while, and
// the reader reloads the page. A refresh by <meta> would do so while somebody reads, and fold up what was opened.
(() => {
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.setAttribute("role", "status");
  tip.hidden = true;
  document.body.append(tip);
  for (const title of document.querySelectorAll("svg .hit > title")) {
    title.parentNode.dataset.tip = title.textContent;
    title.remove();
  }
  for (const cell of document.querySelectorAll("td[title]")) {
    cell.dataset.tip = cell.title;
    cell.removeAttribute("title");
  }
  const tell = (about, x, y) => {
    tip.hidden = !about;
    if (!about) return;
    tip.textContent = about.dataset.tip;
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    const above = y - tip.offsetHeight - 16;
    tip.style.left = Math.max(8, Math.min(room, x + 12)) + "px";
    tip.style.top = (above > 8 ? above : y + 20) + "px";
  };
  const show = (event) => {
    tell(event.target.closest ? event.target.closest("[data-tip]") : null, event.clientX, event.clientY);
  };
  document.addEventListener("pointermove", show);
  document.addEventListener("pointerdown", show);
  document.addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });

  // A chart is one stop of the tab key; arrow keys go along its values.
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  for (const chart of document.querySelectorAll("svg")) {
    const values = [...chart.querySelectorAll("[data-tip]")];
    if (!values.length) continue;
    let at = -1;
    chart.setAttribute("tabindex", "0");
    chart.addEventListener("keydown", (event) => {
      if (event.key === "Escape") tip.hidden = true;
      if (!(event.key in steps)) return;
      event.preventDefault();
      at = Math.max(0, Math.min(values.length - 1, at + steps[event.key]));
      values[at].scrollIntoView({ block: "nearest", inline: "nearest" });
      const place = values[at].getBoundingClientRect();
      tell(values[at], place.left + place.width / 2, place.top + 24);
    });
    chart.addEventListener("blur", () => { tip.hidden = true; });
  }

  const large = document.createElement("dialog");
  document.body.append(large);
  large.addEventListener("click", () => { large.close(); });
  for (const picture of document.querySelectorAll(".wide img")) {
    const enlarge = () => { large.replaceChildren(picture.cloneNode()); large.showModal(); };
    picture.setAttribute("tabindex", "0");
    picture.setAttribute("role", "button");
    picture.title = "enlarge";
    picture.addEventListener("click", enlarge);
    picture.addEventListener("keydown", (event) => { if (event.key === "Enter") enlarge(); });
  }

  const folds = [...document.querySelectorAll("details")];
  const name = (fold) => fold.closest("section").id + " " + fold.querySelector("summary").textContent;
  const before = history.state && history.state.folds;
  for (const fold of before ? folds : []) if (name(fold) in before) fold.open = before[name(fold)];
  const wait = 1000 * Number(document.body.dataset.renewed);
  if (!wait) return;
  let touched = Date.now();
  for (const kind of ["pointermove", "pointerdown", "wheel", "scroll", "keydown"])
    document.addEventListener(kind, () => { touched = Date.now(); }, { capture: true, passive: true });
  setInterval(() => {
    if (Date.now() - touched < wait) return;
    touched = Date.now();
    history.replaceState({ folds: Object.fromEntries(folds.map((fold) => [name(fold), fold.open])) }, "");
    location.reload();
  }, 1000);
})();

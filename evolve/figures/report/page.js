// Shows the value under the pointer, at once and under a finger too, and a run's next generation.
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
  const show = (event) => {
    const about = event.target.closest ? event.target.closest("[data-tip]") : null;
    tip.hidden = !about;
    if (!about) return;
    tip.textContent = about.dataset.tip;
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    const above = event.clientY - tip.offsetHeight - 16;
    tip.style.left = Math.max(8, Math.min(room, event.clientX + 12)) + "px";
    tip.style.top = (above > 8 ? above : event.clientY + 20) + "px";
  };
  document.addEventListener("pointermove", show);
  document.addEventListener("pointerdown", show);
  document.addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });

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

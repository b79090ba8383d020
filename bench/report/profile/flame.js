for (const flame of document.querySelectorAll(".flame")) {
  const boxes = [...flame.querySelectorAll(".box")];
  const output = flame.querySelector("output");
  const place = new Map(
    boxes.map((box) => [box, { left: +box.dataset.left, width: +box.dataset.width, top: box.style.top }]),
  );
  const edge = 1e-9;
  const zoom = (left, width) => {
    for (const [box, at] of place) {
      const from = Math.max(at.left, left),
        to = Math.min(at.left + at.width, left + width);
      box.classList.toggle("hidden", to - from <= edge);
      box.style.left = `${(100 * (from - left)) / width}%`;
      box.style.width = `${(100 * (to - from)) / width}%`;
    }
  };
  const search = (text) => {
    const wanted = text.toLowerCase();
    const found = boxes.filter((box) => wanted && box.dataset.name.toLowerCase().includes(wanted));
    boxes.forEach((box) => box.classList.toggle("found", found.includes(box)));
    // A frame below one that was found is a part of it.
    let share = 0,
      until = -1;
    for (const at of found.map((box) => place.get(box)).sort((a, b) => a.left - b.left || b.width - a.width)) {
      if (at.left >= until - edge) {
        share += at.width;
        until = at.left + at.width;
      }
    }
    output.textContent = wanted ? `${found.length} frames, ${(100 * share).toFixed(1)}% of all samples` : "";
  };
  boxes.forEach((box) => box.addEventListener("click", () => zoom(place.get(box).left, place.get(box).width)));
  flame.querySelector("button.all").addEventListener("click", () => zoom(0, 1));
  flame.querySelector("input").addEventListener("input", (event) => search(event.target.value));
  flame.addEventListener("keydown", (event) => {
    if (event.key === "Escape") zoom(0, 1);
  });
}
for (const timeline of document.querySelectorAll(".timeline")) {
  const [box, picture] = [timeline.querySelector(".scroll"), timeline.querySelector("svg")];
  const [nearest, farthest] = [16, 1];
  let level = farthest;
  timeline.querySelector(".zoom").hidden = false;
  for (const button of timeline.querySelectorAll("[data-zoom]"))
    button.addEventListener("click", () => {
      const middle = (box.scrollLeft + box.clientWidth / 2) / box.scrollWidth;
      level = Math.min(nearest, Math.max(farthest, level * Number(button.dataset.zoom)));
      picture.style.maxWidth = "none";
      picture.style.width = `${100 * level}%`;
      box.scrollLeft = middle * box.scrollWidth - box.clientWidth / 2;
    });
}

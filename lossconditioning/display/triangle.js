// The front end of a Triangle. It runs as a handler of its markup in triangle.html, once that is on a page.
// Weights go to the kernel through the text field of the control, each time with a mark by which the answer is known;
// the kernel tells its weights, and the mark it answers last, in an element with data-weights.
(function (face) {
    const box = face.closest(".lossconditioning-triangle");
    if (!box || face.dataset.isReady) return;
    face.dataset.isReady = "true";
    const steps = Number(face.dataset.steps);
    const field = face.querySelector("[role=slider]"), area = face.querySelector("svg");
    const names = [...face.querySelectorAll(".lct-corner")].map((corner) => corner.textContent);
    const colors = [...face.querySelectorAll(".lct-fill i")].map((i) => getComputedStyle(i).color.match(/[\d.]+/g));
    const view = area.viewBox.baseVal, corners = JSON.parse(face.dataset.corners);
    const [[middle, top], [left, bottom], [right]] = corners;
    let weights = null, mark = null, seen = null;

    const percent = (weight) => `${Math.round(1000 * weight) / 10} %`;

    function draw() {
        const mixed = (values) => weights.reduce((sum, weight, i) => sum + weight * values[i], 0);
        const [x, y] = [0, 1].map((axis) => mixed(corners.map((corner) => corner[axis])));
        const rgb = [0, 1, 2].map((channel) => Math.round(mixed(colors.map((color) => color[channel]))));
        face.querySelector(".lct-handle").setAttribute("transform", `translate(${x} ${y})`);
        face.querySelector(".lct-point").style.fill = `rgb(${rgb})`;
        face.querySelectorAll("b").forEach((readout, i) => { readout.textContent = percent(weights[i]); });
        field.setAttribute("aria-valuenow", Math.round(100 * weights[0]));
        field.setAttribute("aria-valuetext", names.map((name, i) => `${name} ${percent(weights[i])}`).join(", "));
    }

    // What the kernel says holds, unless it has not yet answered what was sent to it since.
    function listen() {
        const told = box.querySelector("[data-weights]");
        if (!told || told === seen) return;
        seen = told;
        if (mark && told.dataset.answers !== mark) return;
        mark = null;
        weights = told.dataset.weights.split(" ").map(Number);
        draw();
    }

    function move(next) {
        if (!weights || next.every((weight, i) => weight === weights[i])) return;
        weights = next;
        draw();
        mark = Math.random().toString(36).slice(2);
        const text = box.querySelector("input");
        text.value = [...weights, mark].join(" ");
        text.dispatchEvent(new Event("input", {bubbles: true}));
    }

    // The weights of the triangle's point nearest to (x, y).
    function nearest(x, y) {
        const first = (bottom - y) / (bottom - top), third = (x - left) / (right - left) - first / 2;
        const inside = [first, 1 - first - third, third];
        if (inside.every((weight) => weight >= 0)) return inside;
        const onSides = [[0, 1], [1, 2], [2, 0]].map(([from, to]) => {
            const [[x0, y0], [x1, y1]] = [corners[from], corners[to]], dx = x1 - x0, dy = y1 - y0;
            const share = Math.min(1, Math.max(0, ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy)));
            const found = [0, 0, 0];
            [found[from], found[to]] = [1 - share, share];
            return {found, distance: Math.hypot(x0 + share * dx - x, y0 + share * dy - y)};
        });
        return onSides.sort((one, other) => one.distance - other.distance)[0].found;
    }

    // Whole steps that sum to all of them: rounded down, and one more for those that lost most.
    function stepped(exact) {
        const parts = exact.map((weight) => weight * steps), whole = parts.map((part) => Math.floor(part + 1e-9));
        const lost = [0, 1, 2].sort((i, j) => parts[j] - whole[j] - (parts[i] - whole[i]));
        lost.slice(0, steps - whole[0] - whole[1] - whole[2]).forEach((i) => { whole[i]++; });
        return whole.map((part) => part / steps);
    }

    function point(event) {
        const {x, y, width, height} = area.getBoundingClientRect();
        const across = view.x + (event.clientX - x) * view.width / width;
        move(stepped(nearest(across, view.y + (event.clientY - y) * view.height / height)));
    }

    // Left and right: from one lower corner to the other. Up and down: to the upper corner and away from it, the share of
    // the other two as it was.
    function stepBy(key, step) {
        const [first, second, third] = weights;
        if (key === "ArrowLeft" || key === "ArrowRight") {
            const moved = key === "ArrowRight" ? Math.min(step, second) : -Math.min(step, third);
            return [first, second - moved, third + moved];
        }
        const share = first < 1 ? second / (second + third) : 1 / 2;
        const next = key === "ArrowUp" ? Math.min(1, first + step) : Math.max(0, first - step);
        return [next, (1 - next) * share, (1 - next) * (1 - share)];
    }

    // Before the page takes digits and arrows for its own commands: JupyterLab would make a cell a heading.
    function press(event) {
        if (event.composedPath()[0] !== field || event.ctrlKey || event.altKey || event.metaKey || !weights) return;
        const places = {Home: [1, 0, 0], End: [0, 0, 1], 0: [1 / 3, 1 / 3, 1 / 3], 1: [1, 0, 0], 2: [0, 1, 0], 3: [0, 0, 1]};
        const isArrow = /^Arrow(Left|Right|Up|Down)$/.test(event.key);
        if (!isArrow && !(event.key in places) && !/^[4-9]$/.test(event.key)) return;
        event.preventDefault();
        event.stopImmediatePropagation();
        if (!isArrow && !(event.key in places)) return;  // a digit beside those meant
        const next = isArrow ? stepBy(event.key, (event.shiftKey ? 10 : 1) / steps) : places[event.key];
        move(next.map((weight) => Math.round(1e9 * weight) / 1e9));
    }

    field.addEventListener("focus", () => window.addEventListener("keydown", press, true));
    field.addEventListener("blur", () => window.removeEventListener("keydown", press, true));
    field.addEventListener("pointerdown", (event) => {
        if (event.button !== 0) return;
        field.setPointerCapture(event.pointerId);
        field.focus({preventScroll: true});
        point(event);
    });
    field.addEventListener("pointermove", (event) => field.hasPointerCapture(event.pointerId) && point(event));
    new MutationObserver(listen).observe(box, {childList: true, subtree: true});
    listen();
})(this)

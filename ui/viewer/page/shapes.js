// Sliders: a handful that move both sides at once, and all shapes in a list that can be searched.
const QUICK = [
  ["Smile", ["mouthSmileLeft", "mouthSmileRight"]],
  ["Open the jaw", ["jawOpen"]],
  ["Raise the brows", ["browInnerUp", "browOuterUpLeft", "browOuterUpRight"]],
  ["Close the eyes", ["eyeBlinkLeft", "eyeBlinkRight"]],
  ["Pucker", ["mouthPucker"]],
  ["Puff the cheeks", ["cheekPuff"]],
];
const REGIONS = ["brow", "eye", "cheek", "nose", "mouth", "jaw", "tongue"];
const TITLES = { brow: "Brows", eye: "Eyes", cheek: "Cheeks", nose: "Nose", mouth: "Mouth", jaw: "Jaw", tongue: "Tongue" };

function readable(name) {
  const words = name.replace(/([A-Z])/g, " $1").toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function slider(label, onInput) {
  const row = document.createElement("label");
  row.className = "shape";
  const text = document.createElement("span");
  text.textContent = label;
  const output = document.createElement("output");
  const input = document.createElement("input");
  Object.assign(input, { type: "range", min: 0, max: 1, step: 0.01, value: 0 });
  const show = (value) => {
    input.value = value;
    output.textContent = `${Math.round(value * 100)}%`;
  };
  show(0);
  input.addEventListener("input", () => {
    show(Number(input.value));
    onInput(Number(input.value));
  });
  row.append(text, output, input);
  return { row, show };
}

export class ShapePanel {
  constructor(onShape) {
    this.onShape = onShape;
    this.sliders = new Map();
    this.quick = [];
    document.getElementById("search").addEventListener("input", (event) => this.filter(event.target.value));
    document.getElementById("neutral").addEventListener("click", () => this.neutral());
  }

  list(names) {
    this.sliders.clear();
    this.listQuick(names);
    const place = document.getElementById("shapes");
    place.replaceChildren();
    for (const region of [...REGIONS, null]) {
      const own = names.filter((name) => REGIONS.find((prefix) => name.startsWith(prefix)) === (region ?? undefined));
      if (!own.length) continue;
      const group = document.createElement("div");
      const title = document.createElement("h3");
      title.textContent = region ? TITLES[region] : "Others";
      group.append(title, ...own.map((name) => this.add(name)));
      place.append(group);
    }
    document.getElementById("count").textContent = names.length;
    document.getElementById("all").hidden = names.length === 0;
    this.filter(document.getElementById("search").value);
  }

  listQuick(names) {
    const place = document.getElementById("quick");
    place.replaceChildren();
    this.quick = [];
    for (const [label, shapes] of QUICK) {
      const present = shapes.filter((name) => names.includes(name));
      if (!present.length) continue;
      const made = slider(label, (value) => present.forEach((name) => this.set(name, value)));
      this.quick.push(made);
      place.append(made.row);
    }
    if (!this.quick.length) place.textContent = "This head has no shapes to move.";
  }

  add(name) {
    const made = slider(readable(name), (value) => this.onShape(name, value));
    made.row.dataset.name = `${name} ${readable(name)}`.toLowerCase();
    made.row.title = name;
    this.sliders.set(name, made);
    return made.row;
  }

  set(name, value) {
    this.sliders.get(name)?.show(value);
    this.onShape(name, value);
  }

  neutral() {
    for (const name of this.sliders.keys()) this.set(name, 0);
    for (const made of this.quick) made.show(0);
  }

  filter(text) {
    const wanted = text.trim().toLowerCase();
    for (const group of document.getElementById("shapes").children) {
      let isAnyShown = false;
      for (const row of group.querySelectorAll(".shape")) {
        row.hidden = !row.dataset.name.includes(wanted);
        isAnyShown ||= !row.hidden;
      }
      group.hidden = !isAnyShown;
    }
  }
}

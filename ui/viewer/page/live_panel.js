// What a watched stream says under the picture: how it stands, and how old a face is at each step on its way.
const SHOW_MS = 500;
const WORDS = {
  connecting: (live) => `Connecting to ${live.address}…`,
  waiting: (live) => `Nothing answers at ${live.address}. Start a WebSocket output; this connects by itself.`,
  token: () => "The token is wrong. Type the one that the output shows.",
  address: (live) => `“${live.address}” is no address of a stream. Expected: ws://127.0.0.1:8765.`,
};
const TILES = [
  ["delay", "Delay", "From the camera's frame to this picture"],
  ["rate", "Rate", "Faces a second that arrive here, and how many were left out because newer ones came"],
  ["face", "Find the face", "From the frame's arrival until its face is known"],
  ["handing", "Hand over", "From the known face until it is sent"],
  ["way", "On the way", "From sending until it is here"],
  ["draw", "Draw", "From arriving here until the picture"],
];

const milliseconds = (value) =>
  value === null ? "–" : `${(1000 * Math.max(0, value)).toFixed(value < 0.0095 ? 1 : 0)} ms`;

function text(name, numbers) {
  if (name === "rate") return `${numbers.rate.toFixed(0)} /s`;
  return milliseconds(numbers[name]);
}

export class LivePanel {
  constructor(place, onState) {
    this.onState = onState;
    this.outputs = new Map();
    for (const [name, label, title] of TILES) {
      const tile = document.createElement("div");
      tile.title = title;
      const term = document.createElement("dt");
      term.textContent = label;
      const value = document.createElement("dd");
      tile.append(term, value);
      if (name === "rate") tile.append((this.missed = document.createElement("dd")));
      place.append(tile);
      this.outputs.set(name, value);
    }
    this.place = place;
  }

  follow(live) {
    this.live = live;
    clearInterval(this.timer);
    this.timer = live ? setInterval(() => this.show(), SHOW_MS) : null;
    this.place.hidden = !live;
    if (live) this.show();
  }

  show() {
    const { live } = this;
    const numbers = live.numbers();
    const isFlowing = live.hello !== null && numbers.rate > 0;
    for (const [name, output] of this.outputs) output.textContent = isFlowing ? text(name, numbers) : "–";
    this.missed.textContent = isFlowing && numbers.missed ? `${numbers.missed} left out` : "";
    this.place.classList.toggle("flowing", isFlowing);
    this.onState(this.words(isFlowing));
  }

  words(isFlowing) {
    const { live } = this;
    if (!live.hello) return (WORDS[live.state] ?? WORDS.connecting)(live);
    if (!isFlowing) return "Connected. Waiting for a face: start the camera on Capture or Avatar.";
    return live.hasFace ? "" : "No face in the picture.";
  }
}

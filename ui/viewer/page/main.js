import { loadHead } from "./head.js";
import { connect, setHeight } from "./host.js";
import { Live } from "./live.js";
import { LivePanel } from "./live_panel.js";
import { Motion } from "./motion.js";
import { ShapePanel } from "./shapes.js";
import { Sound } from "./sound.js";

const byId = (id) => document.getElementById(id);
const isStill = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
const state = {
  args: null, key: null, motionKey: null, stage: null, head: null, own: null, motion: null, isPlaying: false, still: null, live: null,
};
const panel = new ShapePanel((name, value) => {
  if (state.isPlaying) play(false);
  state.head?.setShape(name, value);
  state.stage?.redraw();
});

// A motion with a sound follows it; until the sound was played once, the motion shows itself silently.
const sound = new Sound(byId("sound"), () => followSound());

const livePanel = new LivePanel(byId("live"), (words) => {
  if (state.head || !state.stage) say(words);
});

function say(text) {
  if (byId("message").textContent !== text) byId("message").textContent = text;
}

function isPressed(button) {
  return button.getAttribute("aria-pressed") === "true";
}

function press(button, isOn) {
  button.setAttribute("aria-pressed", String(isOn));
}

function followSound() {
  if (sound.hasStarted) state.isPlaying = state.motion !== null;
  press(byId("play"), sound.isPlaying);
  byId("play").textContent = sound.isPlaying ? "Pause" : "Play with sound";
  state.stage?.redraw();
}

function play(isOn) {
  state.isPlaying = isOn && state.motion !== null;
  if (sound.isThere) {
    if (!isOn) sound.pause();
    followSound();
  } else {
    press(byId("play"), state.isPlaying);
    byId("play").textContent = state.isPlaying ? "Pause" : "Play";
  }
  if (!isOn && state.head && state.motion) state.motion.stop(state.head);
  state.stage?.redraw();
}

async function show(bytes, isOwn) {
  say("Loading the head…");
  try {
    const head = await loadHead(bytes);
    state.stage.show(head);
    state.head = head;
    head.setWireframe(isPressed(byId("wireframe")));
    head.setTexture(isPressed(byId("texture")));
    panel.list(head.shapeNames);
    byId("back").hidden = isOwn;
    say("");
  } catch {
    say("This file could not be opened. Expected: a GLB file (glTF 2.0).");
  }
}

async function onDrop(file) {
  if (!file) return;
  play(false);
  await show(new Uint8Array(await file.arrayBuffer()), false);
}

function startStage() {
  const Stage = state.Stage;
  state.stage = new Stage(byId("picture"));
  state.stage.onFrame = (seconds) => {
    if (state.live) return state.live.applyTo(state.head);
    if (!state.isPlaying || !state.head) return false;
    state.motion.applyTo(state.head, sound.hasStarted ? state.motion.within(sound.seconds) : seconds);
    return !sound.hasStarted || sound.hasMoved();
  };
}

function showStill() {
  byId("picture").hidden = byId("tools").hidden = true;
  byId("viewer").classList.add("plain");
  say("This browser cannot draw in 3D (WebGL is off), so here is a still picture.");
  if (state.still) {
    byId("still").src = URL.createObjectURL(new Blob([state.still], { type: "image/png" }));
    byId("still").hidden = false;
  }
}

function follow(theme) {
  if (!theme) return;
  document.documentElement.classList.toggle("dark", theme.base === "dark");
  const style = document.documentElement.style;
  style.setProperty("--text", theme.textColor);
  style.setProperty("--surface", theme.backgroundColor);
  style.setProperty("--raised", theme.secondaryBackgroundColor);
  // On a dark page the app's accent is made for white text on it; lines and sliders need the lighter one of the sheet.
  if (theme.base === "dark") style.removeProperty("--accent");
  else style.setProperty("--accent", theme.primaryColor);
}

// live: {address, token} of a stream to watch, or nothing.
function watch(live) {
  const key = live ? JSON.stringify(live) : null;
  if (key === state.liveKey) return;
  state.liveKey = key;
  state.live?.close();
  state.live = null;
  byId("viewer").classList.toggle("live", Boolean(live));
  if (live) {
    play(false);
    state.live = new Live(live, () => {
      if (!state.stage) state.live?.applyTo(null); // no picture, but the numbers count
    });
  }
  livePanel.follow(state.live);
}

// Another motion on the same head comes in without loading the head anew, and a sound that stays plays on.
function move(args) {
  if (args.motion_id === state.motionKey) return;
  state.motionKey = args.motion_id;
  if (state.head) state.motion?.stop(state.head);
  state.motion = args.motion ? new Motion(args.motion) : null;
  byId("play").hidden = !state.motion;
  sound.load(args.sound, args.sound_id);
  byId("viewer").classList.toggle("sounding", sound.isThere);
  play(Boolean(state.motion) && (sound.hasStarted || (args.autoplay && !isStill)));
}

async function onArguments(args, theme) {
  state.args = args;
  follow(theme);
  setHeight(args.height);
  document.body.style.height = `${args.height}px`;
  byId("viewer").classList.toggle("plain", !args.controls);
  if (args.head_id === state.key) {
    move(args);
    watch(args.live);
    return;
  }
  state.key = args.head_id;
  state.still = args.still;
  state.own = args.glb;
  if (!state.stage) {
    try {
      state.Stage = (await import("./stage.js")).Stage;
      startStage();
    } catch {
      showStill();
      watch(args.live);
      return;
    }
  }
  await show(args.glb, true);
  state.motionKey = null;
  move(state.args); // newer ones may have come while the head was loading
  watch(state.args.live);
}

byId("play").addEventListener("click", () => {
  if (!sound.isThere) return play(!state.isPlaying);
  if (sound.isPlaying) return sound.pause();
  state.isPlaying = true;
  sound.play();
});
byId("front").addEventListener("click", () => state.stage?.lookFromFront());
byId("back").addEventListener("click", () => show(state.own, true));
for (const [id, method] of [["wireframe", "setWireframe"], ["texture", "setTexture"]]) {
  byId(id).addEventListener("click", (event) => {
    const isOn = !isPressed(event.currentTarget);
    press(event.currentTarget, isOn);
    state.head?.[method](isOn);
    state.stage?.redraw();
  });
}
const stage = byId("stage");
for (const name of ["dragenter", "dragover"]) {
  stage.addEventListener(name, (event) => {
    event.preventDefault();
    stage.classList.add("dragging");
  });
}
for (const name of ["dragleave", "drop"]) {
  stage.addEventListener(name, () => stage.classList.remove("dragging"));
}
stage.addEventListener("drop", (event) => {
  event.preventDefault();
  onDrop(event.dataTransfer.files[0]);
});
connect(onArguments);

// The sound that belongs to a motion: the browser's own player gives the time, so that lips and sound cannot drift.
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

export class Sound {
  // place: the bar with its slider and its time; onChange: called when it starts, pauses or ends.
  constructor(place, onChange) {
    this.place = place;
    this.slider = place.querySelector("input");
    this.time = place.querySelector("output");
    this.player = new Audio();
    this.id = null;
    this.shown = -1;
    this.hasStarted = false;
    for (const name of ["play", "pause", "ended"]) this.player.addEventListener(name, onChange);
    for (const name of ["timeupdate", "loadedmetadata", "seeked"]) this.player.addEventListener(name, () => this.show());
    this.slider.addEventListener("input", () => {
      this.hasStarted = true;
      this.player.currentTime = Number(this.slider.value);
      onChange();
    });
  }

  get isThere() {
    return this.id !== null;
  }

  get isPlaying() {
    return this.isThere && !this.player.paused && !this.player.ended;
  }

  get seconds() {
    return this.player.currentTime;
  }

  // bytes: a WAV file, or nothing; a sound that is loaded already goes on as it is.
  load(bytes, id) {
    if (id === this.id) return;
    if (this.player.src) URL.revokeObjectURL(this.player.src);
    this.player.pause();
    this.id = bytes ? id : null;
    this.hasStarted = false;
    this.place.hidden = !bytes;
    if (bytes) this.player.src = URL.createObjectURL(new Blob([bytes], { type: "audio/wav" }));
    else this.player.removeAttribute("src");
  }

  play() {
    this.hasStarted = true;
    this.player.play().catch(() => {}); // a browser that refuses leaves the button as it was
  }

  pause() {
    this.player.pause();
  }

  // Whether the picture must be drawn again; while it plays, always.
  hasMoved() {
    const moved = this.seconds !== this.shown;
    this.shown = this.seconds;
    return moved;
  }

  show() {
    const length = Number.isFinite(this.player.duration) ? this.player.duration : 0;
    this.slider.max = length;
    this.slider.value = this.seconds;
    this.time.textContent = `${clock(this.seconds)} / ${clock(length)}`;
    this.slider.setAttribute("aria-valuetext", this.time.textContent);
  }
}

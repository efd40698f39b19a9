// Plays a take on a head: coefficients and joint turns by frame, linear between two frames.
import * as THREE from "three";

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

export class Motion {
  constructor({ names, rate_hz, frames, values, turns }) {
    this.names = names;
    this.rate = rate_hz;
    this.frames = frames;
    this.values = bytesOf(values); // frame by frame, 0-255
    this.turns = turns; // joint: [x, y, z, w] of every frame, one after the other
    this.quaternions = [new THREE.Quaternion(), new THREE.Quaternion()];
  }

  applyTo(head, seconds) {
    const place = (seconds * this.rate) % this.frames;
    const first = Math.floor(place);
    const second = (first + 1) % this.frames;
    const between = place - first;
    const count = this.names.length;
    this.names.forEach((name, i) => {
      const from = this.values[first * count + i];
      const to = this.values[second * count + i];
      head.setShape(name, (from + (to - from) * between) / 255);
    });
    const [from, to] = this.quaternions;
    for (const [joint, turns] of Object.entries(this.turns)) {
      from.fromArray(turns, 4 * first);
      to.fromArray(turns, 4 * second);
      head.turn(joint, from.slerp(to, between).toArray());
    }
  }

  // The time within the take: the last frame stands when a sound is longer.
  within(seconds) {
    return Math.min(Math.max(seconds, 0), (this.frames - 1) / this.rate);
  }

  stop(head) {
    for (const name of this.names) head.setShape(name, 0);
    for (const joint of Object.keys(this.turns)) head.turn(joint, [0, 0, 0, 1]);
  }
}

// A running stream of faces: connects and connects again, answers every frame, measures the times, moves a head.
// The protocol is liveavatar.f32.v1: the server's hello says where each value lies in a frame.
const PROTOCOL = "liveavatar.f32.v1";
const AGAIN_MS = 1500;
const PING_MS = 1000;
const WRONG_TOKEN = 4401;
const HEADER = { sequence: 8, arrived: 16 + 8, tracked: 16 + 16, sent: 16 + 24 };
const FRESH_S = 3; // how far the shown numbers look back
const STEPS = ["face", "handing", "way", "draw", "delay"];
const EYES = { leftEye: 0, rightEye: 2 };

const now = () => performance.now() / 1000;

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length ? sorted[Math.floor(sorted.length / 2)] : null;
}

// What the engine calls Ry(yaw) Rx(-pitch), as a quaternion.
function glance(yaw, pitch) {
  const [cy, sy, cx, sx] = [Math.cos(yaw / 2), Math.sin(yaw / 2), Math.cos(-pitch / 2), Math.sin(-pitch / 2)];
  return [cy * sx, sy * cx, -sy * sx, cy * cx];
}

export class Live {
  // onChange: called when the words of `state` change or a frame came.
  constructor({ address, token }, onChange) {
    Object.assign(this, { address, token, onChange, isClosed: false, hello: null, frame: null, isNew: false });
    this.state = "connecting";
    this.begin();
    this.open();
  }

  begin() {
    this.drawn = []; // the times of each face that was drawn
    this.received = [];
    this.missed = 0;
    this.sequence = null;
    this.offset = null; // server's clock minus ours, of the quickest answer
    this.quickest = Infinity;
  }

  open() {
    let socket;
    try {
      socket = new WebSocket(`${this.address}/stream`, PROTOCOL);
    } catch {
      this.tell("address");
      return;
    }
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      if (this.token) socket.send(JSON.stringify({ type: "auth", token: this.token }));
    };
    socket.onmessage = ({ data }) => (typeof data === "string" ? this.onWords(JSON.parse(data)) : this.onFrame(data));
    socket.onclose = ({ code }) => this.onClose(code);
  }

  close() {
    this.isClosed = true;
    clearTimeout(this.again);
    clearInterval(this.pinging);
    this.socket?.close();
  }

  tell(state) {
    this.state = state;
    this.onChange();
  }

  say(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  onWords(said) {
    if (said.type === "hello") {
      this.hello = said;
      this.begin();
      this.ping();
      this.pinging = setInterval(() => this.ping(), PING_MS);
      this.tell("connected");
    } else if (said.type === "pong") {
      const heard = now();
      const took = heard - said.t;
      if (took < this.quickest) {
        this.quickest = took;
        this.offset = (said.received_s + said.sent_s - said.t - heard) / 2;
      }
    }
  }

  ping() {
    this.say({ type: "ping", t: now() });
  }

  onFrame(data) {
    const view = new DataView(data);
    const sequence = view.getUint32(HEADER.sequence, true);
    this.say({ type: "ack", seq: sequence });
    if (this.sequence !== null && sequence > this.sequence) this.missed += sequence - this.sequence - 1;
    this.sequence = sequence;
    const received = now();
    const [arrived, tracked, sent] = [HEADER.arrived, HEADER.tracked, HEADER.sent].map((at) => view.getFloat64(at, true));
    this.received.push(received);
    this.frame = { view, arrived, tracked, sent, received };
    this.isNew = true;
    this.onChange();
  }

  onClose(code) {
    clearInterval(this.pinging);
    this.hello = null;
    if (this.isClosed) return;
    if (code === WRONG_TOKEN) {
      this.tell("token");
      return;
    }
    this.tell("waiting");
    this.again = setTimeout(() => this.open(), AGAIN_MS);
  }

  values(name) {
    const { offset, count } = this.hello.fields[name];
    return Array.from({ length: count }, (_, i) => this.frame.view.getFloat32(offset + 4 * i, true));
  }

  get hasFace() {
    return this.hello !== null && this.frame !== null && this.values("confidence")[0] > 0;
  }

  // Brings the newest frame to the head; true when there was a new one.
  applyTo(head) {
    if (!this.isNew || !this.hello) return false;
    this.isNew = false;
    if (head && this.hasFace) {
      this.values("blendshapes").forEach((value, i) => head.setShape(this.hello.blendshapes[i], value));
      head.turn("neck", this.values("head_rotation"));
      const gaze = this.values("gaze");
      for (const [eye, at] of Object.entries(EYES)) head.turn(eye, glance(gaze[at], gaze[at + 1]));
    }
    const { arrived, tracked, sent, received } = this.frame;
    const at = now();
    const known = { at, face: tracked - arrived, handing: sent - tracked, draw: at - received };
    const measured = this.offset === null ? {} : { way: received + this.offset - sent, delay: at + this.offset - arrived };
    this.drawn.push({ ...known, ...measured });
    return true;
  }

  // Medians in seconds, frames a second, and how many frames were left out for us.
  numbers() {
    const since = now() - FRESH_S;
    this.received = this.received.filter((at) => at > since);
    this.drawn = this.drawn.filter(({ at }) => at > since);
    const span = this.received.length > 1 ? this.received.at(-1) - this.received[0] : 0;
    const middle = (name) => median(this.drawn.map((times) => times[name]).filter((value) => value !== undefined));
    const medians = Object.fromEntries(STEPS.map((name) => [name, middle(name)]));
    return { ...medians, rate: span > 0 ? (this.received.length - 1) / span : 0, missed: this.missed };
  }
}

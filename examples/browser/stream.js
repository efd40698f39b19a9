// One connection to a stream: reads the packed frames, acknowledges them, and comes back when it was lost.
const PROTOCOL = "liveavatar.f32.v1";
const RETRY_MS = 2000;

export class FaceStream {
  // onHello(hello), onFace(face), onClosed(reason); face: { seq, confidence, shapes, head, gaze, delay_ms }
  constructor(url, { token = "", onHello, onFace, onClosed }) {
    Object.assign(this, { url, token, onHello, onFace, onClosed });
    this.offset_s = null; // the server's clock less performance.now()
    this.doubt_s = Infinity;
    this.open();
  }

  open() {
    this.socket = new WebSocket(this.url, PROTOCOL);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => {
      if (this.token) this.say({ type: "auth", token: this.token });
    };
    this.socket.onmessage = ({ data }) => (typeof data === "string" ? this.hear(JSON.parse(data)) : this.read(data));
    this.socket.onclose = ({ reason }) => {
      this.onClosed?.(reason);
      setTimeout(() => this.open(), RETRY_MS);
    };
  }

  ping() {
    this.say({ type: "ping", t: performance.now() / 1000 });
  }

  say(message) {
    this.socket.send(JSON.stringify(message));
  }

  hear(message) {
    if (message.type === "hello") {
      this.hello = message;
      this.onHello?.(message);
      this.pings = 0;
      this.ping();
    } else if (message.type === "pong") {
      const now = performance.now() / 1000;
      if (++this.pings < 8) this.ping(); // one after the other, so that none waits behind another
      const way = now - message.t - (message.sent_s - message.received_s);
      if (way / 2 > this.doubt_s) return;
      this.doubt_s = way / 2; // the exchange with the shortest way tells the clocks' offset best
      this.offset_s = (message.received_s - message.t + message.sent_s - now) / 2;
    }
  }

  read(buffer) {
    const view = new DataView(buffer);
    const seq = view.getUint32(8, true);
    const acknowledgement = new DataView(new ArrayBuffer(4));
    acknowledgement.setUint32(0, seq, true);
    this.socket.send(acknowledgement.buffer);
    const values = (name) => {
      const { offset, count } = this.hello.fields[name];
      return new Float32Array(buffer, offset, count);
    };
    const sent_s = view.getFloat64(40, true);
    const delay_s = this.offset_s === null ? NaN : performance.now() / 1000 + this.offset_s - sent_s;
    this.onFace?.({
      seq,
      confidence: values("confidence")[0],
      shapes: values("blendshapes"),
      head: values("head_rotation"), // quaternion x, y, z, w
      gaze: values("gaze"), // left yaw, left pitch, right yaw, right pitch, radians
      delay_ms: 1000 * delay_s,
    });
  }
}

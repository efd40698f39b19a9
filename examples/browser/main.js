// Draws a GLB and lets the stream move it: shapes by name, the neck's and the eyes' bones where the head has them.
import * as THREE from "three";
import { GLTFLoader } from "../../ui/viewer/page/three/loaders/GLTFLoader.js";
import { FaceStream } from "./stream.js";

const words = new URLSearchParams(location.search);
const headAddress = words.get("head") ?? "../../rig_cache/demo-astronaut/rig.glb";
const streamAddress = words.get("stream") ?? "ws://127.0.0.1:8765";
const status = document.getElementById("status");

const renderer = new THREE.WebGLRenderer({ canvas: document.getElementById("picture"), antialias: true, alpha: true });
renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
const scene = new THREE.Scene();
const camera = new THREE.PerspectiveCamera(28, 1, 0.02, 20);
scene.add(new THREE.HemisphereLight(0xffffff, 0xb8b0a8, 1.2), camera);
const key = new THREE.DirectionalLight(0xfff4e8, 2);
key.position.set(-0.5, 0.6, 1);
camera.add(key, key.target);

function fit(object) {
  const box = new THREE.Box3().setFromObject(object);
  const center = box.getCenter(new THREE.Vector3());
  const size = box.getSize(new THREE.Vector3());
  camera.position.copy(center).add(new THREE.Vector3(0, 0, 1.25 * (size.y / 2 / Math.tan(THREE.MathUtils.degToRad(14)))));
  camera.lookAt(center);
}

function resize() {
  renderer.setSize(innerWidth, innerHeight, false);
  camera.aspect = innerWidth / innerHeight;
  camera.updateProjectionMatrix();
}

class Puppet {
  constructor(root) {
    this.meshes = [];
    this.bones = {};
    root.traverse((node) => {
      if (node.isMesh) this.meshes.push(node);
      if (node.isBone) this.bones[node.name] = node;
    });
    for (const mesh of this.meshes) {
      mesh.frustumCulled = false; // shapes may leave the resting box
      mesh.material.side = THREE.DoubleSide; // the mouth is looked into
    }
  }

  // Finds each channel's place once, so that a frame costs only copies.
  use(names) {
    this.places = this.meshes.map((mesh) => names.map((name) => mesh.morphTargetDictionary?.[name] ?? -1));
  }

  show({ shapes, head, gaze }) {
    this.meshes.forEach((mesh, m) => {
      this.places[m].forEach((place, k) => {
        if (place >= 0) mesh.morphTargetInfluences[place] = shapes[k];
      });
    });
    this.bones.neck?.quaternion.set(...head);
    this.bones.leftEye?.rotation.set(-gaze[1], gaze[0], 0, "YXZ");
    this.bones.rightEye?.rotation.set(-gaze[3], gaze[2], 0, "YXZ");
  }
}

const loaded = await new GLTFLoader().loadAsync(headAddress);
const puppet = new Puppet(loaded.scene);
scene.add(loaded.scene);
fit(loaded.scene);
addEventListener("resize", resize);
resize();

let newest = null;
let frames = 0;
status.textContent = `Waiting for ${streamAddress}…`;
const stream = new FaceStream(streamAddress, {
  token: words.get("token") ?? "",
  onHello: (hello) => {
    puppet.use(hello.blendshapes);
    status.textContent = `Connected${hello.rig ? ` to ${hello.rig}` : ""}; no frames yet.`;
  },
  onFace: (face) => {
    frames++;
    newest = face;
  },
  onClosed: (reason) => (status.textContent = `No stream at ${streamAddress}${reason ? ` (${reason})` : ""}. Trying again…`),
});

// Drawn when the screen is ready, with the newest frame only.
renderer.setAnimationLoop(() => {
  if (newest && newest.confidence > 0) puppet.show(newest);
  renderer.render(scene, camera);
});

setInterval(() => {
  if (frames) {
    const lost = newest.confidence > 0 ? "" : ", no face";
    status.textContent = `${frames} frames/s, ${newest.delay_ms.toFixed(1)} ms from the server${lost}`;
  }
  frames = 0;
}, 1000);

window.streamExample = { stream, puppet, newest: () => newest }; // for the tests, and for trying things in the console

// One loaded GLB: its shapes by name, its joints, its looks.
import * as THREE from "three";
import { GLTFLoader } from "./three/loaders/GLTFLoader.js";

const PLAIN_COLOR = new THREE.Color(0.78, 0.76, 0.74);
const TURNING_JOINTS = ["neck", "leftEye", "rightEye"];

export class Head {
  constructor(scene) {
    this.scene = scene;
    this.meshes = [];
    scene.traverse((node) => {
      if (node.isMesh) this.meshes.push(node);
    });
    for (const mesh of this.meshes) {
      mesh.frustumCulled = false; // morphs and skin may leave the resting box
      mesh.material.side = THREE.DoubleSide; // the mouth is a bag that is looked into
      mesh.userData.look = { map: mesh.material.map, color: mesh.material.color.clone() };
    }
    this.shapeNames = [...new Set(this.meshes.flatMap((mesh) => Object.keys(mesh.morphTargetDictionary ?? {})))];
    this.joints = Object.fromEntries(TURNING_JOINTS.map((name) => [name, findBone(scene, name)]));
  }

  setShape(name, value) {
    for (const mesh of this.meshes) {
      const index = mesh.morphTargetDictionary?.[name];
      if (index !== undefined) mesh.morphTargetInfluences[index] = value;
    }
  }

  turn(joint, quaternion) {
    this.joints[joint]?.quaternion.fromArray(quaternion);
  }

  setWireframe(isOn) {
    for (const mesh of this.meshes) mesh.material.wireframe = isOn;
  }

  setTexture(isOn) {
    for (const mesh of this.meshes) {
      const { map, color } = mesh.userData.look;
      if (!map) continue;
      mesh.material.map = isOn ? map : null;
      mesh.material.color.copy(isOn ? color : PLAIN_COLOR);
      mesh.material.needsUpdate = true;
    }
  }

  dispose() {
    for (const mesh of this.meshes) {
      mesh.geometry.dispose();
      mesh.userData.look.map?.dispose();
      mesh.material.dispose();
      mesh.skeleton?.dispose();
    }
  }
}

function findBone(scene, name) {
  let found = null;
  scene.traverse((node) => {
    if (node.isBone && node.name === name) found = node;
  });
  return found;
}

export async function loadHead(bytes) {
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const document = await new GLTFLoader().parseAsync(buffer, "");
  return new Head(document.scene);
}

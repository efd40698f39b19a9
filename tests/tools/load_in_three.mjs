// Prints as JSON what three.js's GLTFLoader makes of a GLB file, with its shapes set as asked.
// Usage: node load_in_three.mjs FILE.glb '{"jawOpen": 0.5}'
import fs from "node:fs";

// What a browser has and Node has not: pictures are only measured, not decoded.
globalThis.self = globalThis;
globalThis.createImageBitmap = async (blob) => {
  const bytes = new DataView(await blob.arrayBuffer());
  const isPng = bytes.getUint32(0) === 0x89504e47;
  return { type: blob.type, width: isPng ? bytes.getUint32(16) : 0, height: isPng ? bytes.getUint32(20) : 0, close() {} };
};

const { Vector3 } = await import("three");
const { GLTFLoader } = await import("three/addons/loaders/GLTFLoader.js");

const [path, weights] = process.argv.slice(2);
const data = fs.readFileSync(path);
const buffer = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
const { scene } = await new GLTFLoader().parseAsync(buffer, "");

function shownPositions(mesh) {
  for (const [name, weight] of Object.entries(JSON.parse(weights ?? "{}"))) {
    const index = mesh.morphTargetDictionary?.[name];
    if (index !== undefined) mesh.morphTargetInfluences[index] = weight;
  }
  const count = mesh.geometry.attributes.position.count;
  const positions = new Float32Array(3 * count);
  const point = new Vector3();
  for (let i = 0; i < count; i++) mesh.getVertexPosition(i, point).toArray(positions, 3 * i);
  return Buffer.from(positions.buffer).toString("base64");
}

function described(mesh) {
  const picture = mesh.material.map?.image;
  return {
    name: mesh.name,
    triangles: mesh.geometry.index.count / 3,
    shapes: Object.entries(mesh.morphTargetDictionary ?? {}).sort((a, b) => a[1] - b[1]).map(([name]) => name),
    bones: mesh.skeleton?.bones.map((bone) => bone.name) ?? [],
    texture: picture ? { type: picture.type, width: picture.width, height: picture.height } : null,
    positions: shownPositions(mesh),
  };
}

scene.updateMatrixWorld(true);
const meshes = [];
scene.traverse((object) => {
  if (object.isMesh) meshes.push(described(object));
});
process.stdout.write(JSON.stringify({ meshes }));

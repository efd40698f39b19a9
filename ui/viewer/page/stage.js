// The place where the head stands: camera, lights, and drawing only when something changed.
import * as THREE from "three";
import { OrbitControls } from "./three/controls/OrbitControls.js";

const KEY_STEP_RAD = 0.12;
const KEY_ZOOM = 0.9;
const FIELD_OF_VIEW_DEG = 28;
const MARGIN = 1.2;

export class Stage {
  constructor(canvas) {
    this.canvas = canvas;
    this.renderer = new THREE.WebGLRenderer({ canvas, antialias: true, alpha: true });
    this.renderer.setPixelRatio(Math.min(window.devicePixelRatio, 2));
    this.scene = new THREE.Scene();
    this.camera = new THREE.PerspectiveCamera(FIELD_OF_VIEW_DEG, 1, 0.02, 20);
    this.scene.add(this.camera);
    this.addLights();
    this.controls = new OrbitControls(this.camera, canvas);
    this.controls.enablePan = false;
    this.controls.addEventListener("change", () => this.redraw());
    canvas.addEventListener("keydown", (event) => this.onKey(event));
    new ResizeObserver(() => this.resize()).observe(canvas.parentElement);
    this.isVisible = true;
    new IntersectionObserver(([entry]) => (this.isVisible = entry.isIntersecting)).observe(canvas);
    this.onFrame = null; // (seconds) => true while the picture moves by itself
    this.isDirty = true;
    this.renderer.setAnimationLoop((time) => this.draw(time / 1000));
  }

  // The lights hang on the camera, so that every view is lit well.
  addLights() {
    const lights = [
      [0xfff4e8, 1.9, [-0.55, 0.65, 1.0]],
      [0xdfeaff, 0.75, [0.95, 0.05, 0.8]],
      [0xffffff, 1.1, [0.8, 0.6, -0.7]],
    ];
    for (const [color, intensity, position] of lights) {
      const light = new THREE.DirectionalLight(color, intensity);
      light.position.set(...position);
      this.camera.add(light, light.target);
    }
    this.scene.add(new THREE.HemisphereLight(0xffffff, 0xb8b0a8, 0.9));
  }

  show(head) {
    if (this.head) {
      this.scene.remove(this.head.scene);
      this.head.dispose();
    }
    this.head = head;
    this.scene.add(head.scene);
    const box = new THREE.Box3().setFromObject(head.scene);
    this.center = box.getCenter(new THREE.Vector3());
    this.extent = box.getSize(new THREE.Vector3());
    this.lookFromFront();
  }

  lookFromFront() {
    if (!this.extent) return;
    const half = Math.tan(THREE.MathUtils.degToRad(FIELD_OF_VIEW_DEG) / 2);
    const tall = this.extent.y / 2 / half;
    const wide = this.extent.x / 2 / (half * this.camera.aspect);
    const distance = MARGIN * Math.max(tall, wide) + this.extent.z / 2;
    this.controls.target.copy(this.center);
    this.controls.minDistance = 0.4 * distance;
    this.controls.maxDistance = 2.5 * distance;
    this.camera.position.copy(this.center).add(new THREE.Vector3(0, 0, distance));
    this.controls.update();
    this.redraw();
  }

  redraw() {
    this.isDirty = true;
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas.parentElement;
    if (!width || !height) return;
    this.renderer.setSize(width, height, false);
    const wasAspect = this.camera.aspect;
    this.camera.aspect = width / height;
    this.camera.updateProjectionMatrix();
    if (wasAspect !== this.camera.aspect) this.lookFromFront();
    this.redraw();
  }

  draw(seconds) {
    if (!this.isVisible) return;
    if (this.onFrame?.(seconds)) this.isDirty = true;
    if (!this.isDirty) return;
    this.isDirty = false;
    this.renderer.render(this.scene, this.camera);
  }

  onKey(event) {
    const turns = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const offset = this.camera.position.clone().sub(this.controls.target);
    if (turns[event.key]) {
      const [around, over] = turns[event.key];
      const place = new THREE.Spherical().setFromVector3(offset);
      place.theta += around * KEY_STEP_RAD;
      place.phi += over * KEY_STEP_RAD;
      offset.setFromSpherical(place.makeSafe());
    } else if (event.key === "+" || event.key === "=") {
      offset.multiplyScalar(KEY_ZOOM);
    } else if (event.key === "-") {
      offset.divideScalar(KEY_ZOOM);
    } else if (event.key === "0") {
      this.lookFromFront();
      return;
    } else {
      return;
    }
    event.preventDefault();
    this.camera.position.copy(this.controls.target).add(offset);
    this.controls.update();
  }
}

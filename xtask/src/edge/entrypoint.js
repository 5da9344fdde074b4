// The Worker's main module, to which `cargo xtask build workers` adds wasm-bindgen's index.js.
import { WorkerEntrypoint } from "cloudflare:workers";
import * as wasm from "./index.js";

export default class extends WorkerEntrypoint {
  fetch(request) {
    return wasm.fetch(request, this.env, this.ctx);
  }
  scheduled() {
    return wasm.scheduled(this.env, this.ctx);
  }
}

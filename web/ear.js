// The microphone's samples, in pieces of 1024, to the page: an AudioWorklet's processor.
registerProcessor(
  "ear",
  class extends AudioWorkletProcessor {
    constructor() {
      super();
      this.kept = new Float32Array(1024);
      this.n = 0;
    }

    process([[samples]]) {
      for (const v of samples ?? []) {
        this.kept[this.n++] = v;
        if (this.n === this.kept.length) {
          this.port.postMessage(this.kept.slice());
          this.n = 0;
        }
      }
      return true;
    }
  },
);

// A microphone as pieces of 16-bit samples. start(piece) hears until stop() is called.
const LISTENER = `registerProcessor("tfg-ear", class extends AudioWorkletProcessor {
  constructor() { super(); this.kept = []; this.n = 0; }
  process(inputs) {
    const y = inputs[0][0];
    if (y) { this.kept.push(y.slice()); this.n += y.length; }
    if (this.n >= 1024) {
      const all = new Int16Array(this.n); let k = 0;
      for (const part of this.kept) for (const v of part) all[k++] = Math.max(-1, Math.min(1, v)) * 32767;
      this.port.postMessage(all.buffer, [all.buffer]); this.kept = []; this.n = 0;
    }
    return true;
  }
});`;

async function openMicrophone(heard) {
  if (!navigator.mediaDevices?.getUserMedia)
    throw new Error("This browser offers no microphone to this page: it needs https, or localhost.");
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: true } });
  const context = new AudioContext();
  let ear = null;
  const close = () => {
    if (ear) ear.port.onmessage = null;
    stream.getTracks().forEach((track) => track.stop());
    context.close();
  };
  try {
    const place = URL.createObjectURL(new Blob([LISTENER], { type: "text/javascript" }));
    await context.audioWorklet.addModule(place);
    URL.revokeObjectURL(place);
    ear = new AudioWorkletNode(context, "tfg-ear", { numberOfOutputs: 0 });
  } catch (error) {
    close();
    throw error;
  }
  ear.port.onmessage = (event) => heard(event.data, context.sampleRate);
  context.createMediaStreamSource(stream).connect(ear);
  return close;
}

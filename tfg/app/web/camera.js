// A photo by the camera: a dialog with its picture; taken(bytes) gets a JPEG.
function makeCamera(taken, failed) {
  let stream = null, busy = false;                           // busy: the browser asks for leave, or the camera runs
  const video = h("video", { autoplay: true, muted: true, playsInline: true, "aria-label": "The camera's picture" });
  const close = () => { stream?.getTracks().forEach((track) => track.stop()); stream = null; busy = false; dialog.close(); };
  const take = h("button", { type: "button", class: "first", onclick: () => {
    const picture = h("canvas", { width: video.videoWidth, height: video.videoHeight });
    picture.getContext("2d").drawImage(video, 0, 0);
    picture.toBlob(async (blob) => { close(); taken(await blob.arrayBuffer()); }, "image/jpeg", .92);
  } }, "Take the photo");
  const dialog = h("dialog", { "aria-label": "Take a photo", oncancel: close }, video,
    h("div", { class: "buttons" }, take, h("button", { type: "button", onclick: close }, "Close")));
  const open = async () => {
    if (busy) return;
    busy = true;
    try {
      if (!navigator.mediaDevices?.getUserMedia) throw new Error("This browser offers no camera to this page: it needs https, or localhost.");
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: 1280, facingMode: "user" } });
      if (!dialog.isConnected) return close();               // the page went away meanwhile
      video.srcObject = stream;
      dialog.showModal();
    } catch (error) { close(); failed(`The camera cannot be used: ${error.message}`); }
  };
  return { dialog, open, close };
}

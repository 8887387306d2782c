// Two connections of this page call each other through the TURN server; one of them is measured.
import { monitorPeerConnections } from "../otel-bandwidth/index.js";

const state = document.querySelector("#state");
const meeting = "demo";
const participant = `visitor-${crypto.randomUUID().slice(0, 8)}`;
const session = await newSession();

if (session === undefined) state.textContent = "There is no TURN server here: start all of docker-compose.yml.";
else await call();

async function newSession() {
  const answer = await fetch(`/session?${new URLSearchParams({ meeting, participant })}`);
  return answer.ok ? await answer.json() : undefined;
}

async function call() {
  const monitor = monitorPeerConnections({
    url: session.bridge,
    token: async () => (await newSession()).token,
    serviceName: "call-demo",
    onSample: ({ relay, quality }) => {
      const way =
        relay.relayed === true ? `relayed by ${relay.server}` : relay.relayed === false ? "direct" : "connecting";
      state.textContent = `${participant}: ${way}, quality ${quality.level}`;
    },
  });
  const configuration = { iceServers: [session.turn], iceTransportPolicy: "relay" };
  const [caller, callee] = [new RTCPeerConnection(configuration), new RTCPeerConnection(configuration)];
  monitor.add(caller);
  for (const [one, other] of [
    [caller, callee],
    [callee, caller],
  ]) {
    one.addEventListener("icecandidate", ({ candidate }) => {
      if (candidate !== null) other.addIceCandidate(candidate).catch(console.error);
    });
  }
  callee.addEventListener("track", ({ streams }) => {
    document.querySelector("#received").srcObject = streams[0];
  });
  const stream = movingPicture();
  for (const track of stream.getTracks()) caller.addTrack(track, stream);
  await caller.setLocalDescription();
  await callee.setRemoteDescription(caller.localDescription);
  await callee.setLocalDescription();
  await caller.setRemoteDescription(callee.localDescription);
}

/** A clock on a canvas: something to send that asks for no permission. */
function movingPicture() {
  const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 180 });
  const context = canvas.getContext("2d");
  setInterval(() => {
    context.fillStyle = `hsl(${(performance.now() / 50) % 360} 60% 30%)`;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = "white";
    context.font = "32px sans-serif";
    context.fillText(new Date().toLocaleTimeString(), 90, 100);
  }, 66);
  return canvas.captureStream(15);
}

/**
 * Records what `getStats()` of a real browser says of a call between two connections in one page, with a picture and a tone of
 * its own, and an ICE restart in the middle. Run by hand when the shapes of reports have to be seen again:
 * `node tests/support/record-call-process.ts chromium|firefox` writes `tests/browser/recordings/<browser>-call.json`.
 */
import { writeFileSync } from "node:fs";
import type { ScriptedPage } from "./call-page.ts";
import { startChromium } from "./chromium.ts";
import { startFirefox } from "./firefox.ts";

/** What a page's address would tell about a person, and what does not help a calculation. */
const REMOVED = new Set([
  "address",
  "ip",
  "port",
  "relatedAddress",
  "relatedPort",
  "url",
  "foundation",
  "usernameFragment",
  "iceLocalUsernameFragment",
  "localCertificateId",
  "remoteCertificateId",
  "trackIdentifier",
]);
const SKIPPED_TYPES = new Set(["certificate", "codec", "media-playout", "peer-connection"]);

type Report = Record<string, unknown>;

/** Runs in the page; plain JavaScript, since this repository's types know no browser. */
const CALL = `(async () => {
  const [a, b] = [new RTCPeerConnection(), new RTCPeerConnection()];
  a.onicecandidate = (event) => event.candidate && b.addIceCandidate(event.candidate);
  b.onicecandidate = (event) => event.candidate && a.addIceCandidate(event.candidate);
  const read = async () => [...(await a.getStats()).values()];
  const negotiate = async (options) => {
    await a.setLocalDescription(await a.createOffer(options));
    await b.setRemoteDescription(a.localDescription);
    await b.setLocalDescription(await b.createAnswer());
    await a.setRemoteDescription(b.localDescription);
  };
  const wait = (millis) => new Promise((resolve) => setTimeout(resolve, millis));
  const camera = document.createElement("canvas");
  camera.width = 320; camera.height = 180;
  const context = camera.getContext("2d");
  setInterval(() => { context.fillStyle = "hsl(" + (performance.now() / 20) % 360 + ",80%,50%)"; context.fillRect(0, 0, 320, 180); }, 40);
  const audio = new AudioContext();
  const tone = audio.createOscillator();
  const microphone = audio.createMediaStreamDestination();
  tone.connect(microphone); tone.start();
  for (const connection of [a, b]) {
    connection.addTrack(camera.captureStream(25).getVideoTracks()[0]);
    connection.addTrack(microphone.stream.getAudioTracks()[0]);
  }
  const reports = [await read()];
  await negotiate({});
  for (let tick = 0; tick < 7; tick++) {
    await wait(1000);
    reports.push(await read());
    if (tick === 3) await negotiate({ iceRestart: true });
  }
  a.close(); b.close();
  return reports;
})()`;

const name = process.argv[2];
if (name !== "chromium" && name !== "firefox") throw new Error("expected chromium or firefox");
const { reports, version } = name === "firefox" ? await recordFirefox() : await recordChromium();

async function recordChromium(): Promise<{ reports: Report[][]; version: string }> {
  const browser = await startChromium();
  const recorded = await record(await browser.newPage());
  await browser.close();
  return { reports: recorded, version: `Chromium ${browser.version()}` };
}

async function recordFirefox(): Promise<{ reports: Report[][]; version: string }> {
  const browser = await startFirefox();
  const recorded = await record(await browser.newPage());
  await browser.close();
  return { reports: recorded, version: browser.version };
}

async function record(page: ScriptedPage): Promise<Report[][]> {
  await page.goto("about:blank");
  return (await page.evaluate(CALL)) as Report[][];
}

/** IPv4 stays visible as a family: the estimate of wire bytes depends on it. */
function withoutAddresses(entry: Report): Report {
  const kept = Object.fromEntries(Object.entries(entry).filter(([field]) => !REMOVED.has(field)));
  return "address" in entry ? { ...kept, address: String(entry["address"]).includes(":") ? "::" : "0.0.0.0" } : kept;
}

const lines = reports.map((report) =>
  report
    .filter((entry) => !SKIPPED_TYPES.has(String(entry["type"])))
    .map((entry) => JSON.stringify(withoutAddresses(entry)))
    .join(",\n"),
);
const file = new URL(`../browser/recordings/${name}-call.json`, import.meta.url);
writeFileSync(file, `{"browser":"${version}","reports":[\n[${lines.join("],\n[")}]\n]}\n`);

/**
 * The live page as it lies on disk after a build, read once: small, and a receiver that runs on after its files were replaced
 * still serves a page whose parts belong together.
 */
import { readFileSync, readdirSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";

interface PageFile {
  readonly type: string;
  readonly plain: Buffer;
  readonly gzipped: Buffer;
}

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Everything comes from here, nothing inline, nothing frames the page, and no text becomes markup. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/** Names have a hash of the content in them. */
const FOR_EVER = "public, max-age=31536000, immutable";

/** The page's files by path. */
export class LivePage {
  readonly #files: ReadonlyMap<string, PageFile>;

  private constructor(files: ReadonlyMap<string, PageFile>) {
    this.#files = files;
  }

  /**
   * Reads the page from the directory that a build wrote. `otlpPort` is what the page tells people to send to.
   * Throws when the directory cannot be read.
   */
  static read(directory: string, otlpPort: number): LivePage {
    const html = readFileSync(join(directory, "index.html"), "utf8").replace("%OTLP_PORT%", String(otlpPort));
    const files = new Map([["/", fileOf("index.html", Buffer.from(html))]]);
    for (const name of readdirSync(join(directory, "assets"))) {
      files.set(`/assets/${name}`, fileOf(name, readFileSync(join(directory, "assets", name))));
    }
    return new LivePage(files);
  }

  /** Answers a request for the page or a part of it; false when it is for something else. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const path = (request.url ?? "/").split("?", 1)[0]!;
    const file = this.#files.get(path);
    if (!file) return false;
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.writeHead(405, { ...SECURITY_HEADERS, allow: "GET, HEAD" }).end();
    } else {
      const isGzipped = takesGzip(request.headers["accept-encoding"]);
      const body = isGzipped ? file.gzipped : file.plain;
      response.writeHead(200, {
        ...SECURITY_HEADERS,
        "content-type": file.type,
        "content-length": body.length,
        "cache-control": path === "/" ? "no-cache" : FOR_EVER,
        vary: "accept-encoding",
        ...(isGzipped ? { "content-encoding": "gzip" } : {}),
      });
      response.end(request.method === "HEAD" ? undefined : body);
    }
    request.resume();
    return true;
  }
}

/** Whether gzip is accepted (RFC 9110, 12.5.3); a weight of 0 refuses it. */
function takesGzip(acceptEncoding: string | undefined): boolean {
  return /(^|[\s,])gzip\s*(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i.test(acceptEncoding ?? "");
}

function fileOf(name: string, plain: Buffer): PageFile {
  return { type: TYPES[extname(name)] ?? "application/octet-stream", plain, gzipped: gzipSync(plain, { level: 9 }) };
}

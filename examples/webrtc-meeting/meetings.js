// Signalling: what one browser has to tell the other before they can talk to each other. Messages go up by POST and come
// down as server-sent events; the server reads none of them.

const MAX_ROOMS = 100;

/** Rooms of two. */
export class Meetings {
  #rooms = new Map();
  #joined = 0;

  /** Takes a browser into a room. @returns its name, or nothing when there is no room */
  join(room, response) {
    const members = this.#rooms.get(room) ?? new Map();
    if (members.size >= 2 || (members.size === 0 && this.#rooms.size >= MAX_ROOMS)) return undefined;
    this.#joined += 1;
    const participant = `guest-${this.#joined}`;
    this.#rooms.set(room, members.set(participant, response));
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    // The second one calls.
    send(response, { kind: "joined", participant, calls: members.size === 2 });
    response.on("close", () => {
      members.delete(participant);
      if (members.size === 0) this.#rooms.delete(room);
      for (const other of members.values()) send(other, { kind: "left" });
    });
    return participant;
  }

  /** Hands a message on to the other one of a room. @returns whether there is one */
  pass(room, from, message) {
    const members = [...(this.#rooms.get(room) ?? [])];
    const [, other] = members.find(([participant]) => participant !== from) ?? [];
    if (other === undefined || !members.some(([participant]) => participant === from)) return false;
    send(other, JSON.parse(message));
    return true;
  }
}

function send(response, message) {
  response.write(`data: ${JSON.stringify(message)}\n\n`);
}

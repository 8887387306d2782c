/** A name server for tests: one name with several loopback addresses, as receivers behind one name have. */
import { createSocket } from "node:dgram";
import { once } from "node:events";

const TYPE_A = 1;
const HEADER_BYTES = 12;
/** A response, authoritative, without error. */
const ANSWERED = 0x84_00;
const TTL_SECONDS = 1;

/** A server that answers. */
export interface NameServer {
  readonly port: number;
  close(): void;
}

/** Starts one on a free UDP port; it answers every question for an IPv4 address with `addresses`, others with none. */
export async function startNameServer(addresses: readonly string[]): Promise<NameServer> {
  const socket = createSocket("udp4");
  socket.on("message", (question, { address, port }) => socket.send(answerTo(question, addresses), port, address));
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return { port: socket.address().port, close: () => socket.close() };
}

/** RFC 1035, section 4: the header and question come back, then a record for each address. */
function answerTo(query: Buffer, addresses: readonly string[]): Buffer {
  let end = HEADER_BYTES;
  while (query[end] !== 0) end += query[end]! + 1;
  const type = query.readUInt16BE(end + 1);
  const question = query.subarray(HEADER_BYTES, end + 5);
  const records = type === TYPE_A ? addresses.map(addressRecord) : [];
  const header = Buffer.alloc(HEADER_BYTES);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(ANSWERED, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([header, question, ...records]);
}

function addressRecord(address: string): Buffer {
  const record = Buffer.alloc(16);
  // The name is the one of the question.
  record.writeUInt16BE(0xc0_00 | HEADER_BYTES, 0);
  record.writeUInt16BE(TYPE_A, 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt32BE(TTL_SECONDS, 6);
  record.writeUInt16BE(4, 10);
  for (const [index, part] of address.split(".").entries()) record[12 + index] = Number(part);
  return record;
}

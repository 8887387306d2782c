import { describe, expect, it } from "vitest";
import { addressFamily, relayAddress } from "../../src/browser/address-facts.ts";

describe("the family of an address", () => {
  it.each([
    ["192.0.2.1", 4],
    ["2001:db8::1", 6],
    ["::ffff:192.0.2.1", 6],
    ["0b7d4f5c-11de-4a5e-8f4e-1c0f2d1f2a33.local", undefined],
    ["x.x.x.x", undefined],
    ["", undefined],
    [undefined, undefined],
  ])("%s is %s", (address, family) => {
    expect(addressFamily(address)).toBe(family);
  });
});

describe("a TURN URL", () => {
  it.each([
    ["turn:turn.example", { server: "turn.example", protocol: "udp" }],
    ["turn:turn.example:3478?transport=udp", { server: "turn.example:3478", protocol: "udp" }],
    ["turn:turn.example?transport=tcp", { server: "turn.example", protocol: "tcp" }],
    ["turns:turn.example:5349?transport=tcp", { server: "turn.example:5349", protocol: "tls" }],
    ["TURN:[2001:db8::1]:3478", { server: "[2001:db8::1]:3478", protocol: "udp" }],
    ["turn:user:pass@turn.example", { server: "turn.example", protocol: "udp" }],
    ["stun:stun.example", undefined],
    ["", undefined],
    [undefined, undefined],
  ])("%s is read as %j", (url, expected) => {
    expect(relayAddress(url)).toEqual(expected);
  });
});

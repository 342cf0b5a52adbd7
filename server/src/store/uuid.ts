let lastTime = 0;
let counter = 0;

/** A UUIDv7 (RFC 9562): sorts by time of making, and within one process strictly in order. */
export const uuidv7 = (): string => {
  // The global, because it loads on first use: importing node:crypto costs every command 3 ms.
  const bytes = Buffer.from(crypto.getRandomValues(new Uint8Array(16)).buffer);
  const now = Date.now();
  // The 12 bits after the version count up within a millisecond and when the clock steps back (RFC 9562, 6.2 method 1).
  counter = now > lastTime ? bytes.readUInt16BE(6) & 0x7ff : counter + 1;
  lastTime = Math.max(now, lastTime);
  if (counter > 0xfff) {
    lastTime += 1;
    counter = 0;
  }
  bytes.writeUIntBE(lastTime, 0, 6);
  bytes.writeUInt16BE(0x7000 | counter, 6);
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8);
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
};

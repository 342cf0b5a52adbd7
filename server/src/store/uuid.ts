let lastTime = 0;
let counter = 0;

/** A UUIDv7 (RFC 9562): sorts by time of making, and within one process strictly in order. */
export const uuidv7 = (): string => {
  // The global, because it loads on first use: importing node:crypto costs every command 3 ms. It asks the system for
  // randomness once for many; its last 16 digits are a variant and 62 random bits, as they are here.
  const random = crypto.randomUUID();
  const now = Date.now();
  // The 12 bits after the version count up within a millisecond and when the clock steps back (RFC 9562, 6.2 method 1).
  counter = now > lastTime ? Number.parseInt(random.slice(0, 3), 16) & 0x7ff : counter + 1;
  lastTime = Math.max(now, lastTime);
  if (counter > 0xfff) {
    lastTime += 1;
    counter = 0;
  }
  const time = lastTime.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, "0")}-${random.slice(19)}`;
};

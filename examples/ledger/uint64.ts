const HIGH = 0x1_0000_0000

/** Writes a safe integer from 0 as 8 bytes, big-endian. Without a `BigInt`, which costs more than the rest. */
export function writeUint64(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / HIGH))
  view.setUint32(at + 4, value % HIGH)
}

export function readUint64(view: DataView, at: number): number {
  return view.getUint32(at) * HIGH + view.getUint32(at + 4)
}

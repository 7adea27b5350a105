import { childOptions } from './child.ts'
import type { Answers, Wire, WireAddress } from './wire.ts'
import { serveGrpc } from './wire-grpc.ts'
import { serveLibp2p } from './wire-libp2p.ts'
import { serveBareTls } from './wire-tls.ts'

/** A process that answers requests from memory. It tells where once it listens. */
export interface WireServerOptions {
  readonly wire: Wire
}

const BLOCK_BYTES = 4_096
/** 256 kB a frame, as a node sends them. */
const BLOCKS_PER_FRAME = 64

const { wire } = childOptions<WireServerOptions>()
const frame = {
  blocks: Array.from({ length: BLOCKS_PER_FRAME }, (_, index) => new Uint8Array(BLOCK_BYTES).fill(index))
}
const answers: Answers = {
  *fetchBlocks({ refs }) {
    for (let sent = 0; sent < Math.max(1, refs.length); sent += BLOCKS_PER_FRAME) yield frame
  },
  availability: () => ({ highestCertifiable: 1_234_567, lowestAvailable: 1 })
}
const serve: Readonly<Record<Wire, () => Promise<WireAddress>>> = {
  noise: () => serveLibp2p('noise', answers),
  tls: () => serveLibp2p('tls', answers),
  grpc: () => serveGrpc(answers),
  'bare-tls': () => serveBareTls(answers)
}
process.send?.(await serve[wire]())

import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { pEvent } from 'p-event'
import { YAMUX_STREAM_OPTIONS } from '../src/index.ts'
import { childOptions } from './child.ts'

/** A process that sends bytes over a bare stream to whoever opens one. */
const BYTES = 512 * 1024 * 1024
const CHUNK = new Uint8Array(512 * 1024)

childOptions()
const libp2p = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux({ streamOptions: YAMUX_STREAM_OPTIONS })]
})
await libp2p.handle('/bench/source/1', async (stream) => {
  for (let sent = 0; sent < BYTES; sent += CHUNK.byteLength) {
    if (!stream.send(CHUNK)) await pEvent(stream, 'drain', { rejectionEvents: ['close'] })
  }
})
process.send?.({ address: libp2p.getMultiaddrs()[0]?.toString(), bytes: BYTES })

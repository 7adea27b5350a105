import { type Stream, type StreamMuxerFactory, serviceCapabilities } from '@libp2p/interface'

export type MuxerModule<Components> = (components: Components) => StreamMuxerFactory

/** A muxer of whose streams those that this side opens are handed to `onOpened` before anybody else has them. */
export function withOpenedStreams<Components>(
  module: MuxerModule<Components>,
  onOpened: (stream: Stream) => void
): MuxerModule<Components> {
  return (components) => {
    const factory = module(components)
    return {
      [serviceCapabilities]: ['@libp2p/stream-multiplexing'],
      protocol: factory.protocol,
      createStreamMuxer(connection) {
        const muxer = factory.createStreamMuxer(connection)
        const createStream = muxer.createStream.bind(muxer)
        muxer.createStream = async (options) => {
          const stream = await createStream(options)
          onOpened(stream)
          return stream
        }
        return muxer
      }
    }
  }
}

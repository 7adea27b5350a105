import { type StreamMuxerFactory, serviceCapabilities } from '@libp2p/interface'
import { AbstractMessageStream } from '@libp2p/utils'

type MuxerModule<Components> = (components: Components) => StreamMuxerFactory

/**
 * A muxer whose streams keep what came before their protocol was agreed on. Who answers without being asked, as identify does, may send the agreement, the
 * answer and the end within one packet. libp2p then puts the answer back into the stream, which refuses it, for it has ended: the peer is never identified.
 */
export function keepEarlyAnswers<Components>(module: MuxerModule<Components>): MuxerModule<Components> {
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
          if (stream instanceof AbstractMessageStream) takeBackAfterEnd(stream)
          return stream
        }
        return muxer
      }
    }
  }
}

function takeBackAfterEnd(stream: AbstractMessageStream): void {
  const unshift = stream.unshift.bind(stream)
  stream.unshift = (data) => {
    // it closes again once the data has been read; one that this side has closed stays so
    if (stream.readStatus === 'closed' && stream.remoteWriteStatus === 'closed' && stream.status !== 'aborted')
      stream.readStatus = 'readable'
    unshift(data)
  }
}

import { AbstractMessageStream } from '@libp2p/utils'
import { type MuxerModule, withOpenedStreams } from './opened-streams.ts'

/**
 * A muxer whose streams keep what came before their protocol was agreed on. Who answers without being asked, as identify does, may send the agreement, the
 * answer and the end within one packet. libp2p then puts the answer back into the stream, which refuses it, for it has ended: the peer is never identified.
 */
export function keepEarlyAnswers<Components>(module: MuxerModule<Components>): MuxerModule<Components> {
  return withOpenedStreams(module, (stream) => {
    if (stream instanceof AbstractMessageStream) takeBackAfterEnd(stream)
  })
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

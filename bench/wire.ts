import type {
  FetchBlocksRequest,
  FetchBlocksResponse,
  GetCommitAvailabilityRequest,
  GetCommitAvailabilityResponse
} from '../src/state-sync/messages.ts'

/** Ways for the same messages: ours over noise and over TLS, gRPC-js over TLS, and bytes alone over Node's TLS. */
export type Wire = 'noise' | 'tls' | 'grpc' | 'bare-tls'

/** What a serving process answers, from memory. */
export interface Answers {
  fetchBlocks(request: FetchBlocksRequest): Generator<FetchBlocksResponse>
  availability(request: GetCommitAvailabilityRequest): GetCommitAvailabilityResponse
}

/** Where a serving process is reached. */
export interface WireAddress {
  readonly address: string
  /** What to trust, in PEM, where it is not part of the address. */
  readonly certificate?: string
}

/** What an asking process does. */
export interface WireClient {
  /** Asks for blocks, and tells how many bytes of them have come. */
  fetchBlocks(request: FetchBlocksRequest): AsyncIterable<number>
  /** @throws where a wire has no small requests */
  availability(request: GetCommitAvailabilityRequest): Promise<GetCommitAvailabilityResponse>
}

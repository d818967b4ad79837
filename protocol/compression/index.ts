export { type CompressionName, compressionNames } from './codec.ts';
export { compressionTask, runCompressionTask } from './compressionTask.ts';
export {
  codecId,
  codecName,
  compress,
  decompress,
  isCodecAvailable,
  requireCodec,
} from './registry.ts';

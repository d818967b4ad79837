export * from './completion.ts';
export { type CrashMode, DiskImage } from './diskImage.ts';
export { SECTOR_BYTES } from './diskNodes.ts';
export * from './faults.ts';
export * from './simFileSystem.ts';
export * from './systemError.ts';

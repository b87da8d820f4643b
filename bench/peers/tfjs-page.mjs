/** TensorFlow.js for the benchmark's page. */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-webgpu';
import { makeSteps } from './tfjs-step.mjs';

export async function open(api) {
  const backend = api === 'webgl2' ? 'webgl' : api;
  if (!(await tf.setBackend(backend))) throw new Error(`TensorFlow.js cannot open its ${backend} backend`);
  await tf.ready();
  if (tf.getBackend() !== backend) throw new Error(`TensorFlow.js runs on ${tf.getBackend()} instead of ${backend}`);
  return {
    peer: `TensorFlow.js ${backend}`,
    version: tf.version.tfjs,
    makeSteps: (workload, data) => makeSteps(tf, workload, data),
  };
}

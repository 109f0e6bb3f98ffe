/* after.c - Linked behind the model: its thread-local bytes follow the model's scratch.
 */
_Thread_local unsigned char after_scratch[4096];

/**
 * Shows one frame after another to `take`, each as a picture that is the taker's, until the returned function is called. The next
 * frame is taken when `take` is done: none wait.
 * @throws DOMException where there is no camera, or none may be used
 */
export async function startCamera(
  video: HTMLVideoElement,
  take: (picture: ImageBitmap) => Promise<void>,
): Promise<() => void> {
  // The rear one of a phone.
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } })
  video.srcObject = stream
  await video.play()
  let isOn = true
  const stop = () => {
    isOn = false
    for (const track of stream.getTracks()) track.stop()
    video.srcObject = null
  }
  const next = async (): Promise<void> => {
    if (!isOn) return
    const picture = await createImageBitmap(video)
    await take(picture)
    requestAnimationFrame(() => void next().catch(stop))
  }
  requestAnimationFrame(() => void next().catch(stop))
  return stop
}

"""From a picture to landmarks, head pose and gaze. Importing this loads no network."""

from core.tracking.camera import default_camera
from core.tracking.face_mesh import FaceMeshLandmarker
from core.tracking.face_task import FaceTaskLandmarker
from core.tracking.framing import visible_fraction
from core.tracking.gaze import estimate_gaze
from core.tracking.head_pose import HeadPoseSolver, head_frame_points
from core.tracking.landmark_ids import LEFT_IRIS, RIGHT_IRIS, RIGID_LANDMARKS
from core.tracking.landmarker import FaceLandmarker, create_landmarker
from core.tracking.settings import TrackerSettings

__all__ = [
    "LEFT_IRIS",
    "RIGHT_IRIS",
    "RIGID_LANDMARKS",
    "FaceLandmarker",
    "FaceMeshLandmarker",
    "FaceTaskLandmarker",
    "HeadPoseSolver",
    "TrackerSettings",
    "create_landmarker",
    "default_camera",
    "estimate_gaze",
    "head_frame_points",
    "visible_fraction",
]
